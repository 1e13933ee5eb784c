"""Rewrite chains of concatenations in a :class:`torch.fx.Graph`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skiplint.analysis.memory.rewriting.branches import Branch, Join, Part
from skiplint.graph import ModelGraph, Operand
from skiplint.operators import Family

if TYPE_CHECKING:
    from torch import fx

_PER_CHANNEL = (1, 2, 3, 4)
"""Arguments of a batch norm that have a number for every channel."""


class Rewriting:
    """A copy of the recorded calls of a graph, to be rewritten step by step."""

    def __init__(self, graph: ModelGraph) -> None:
        """Copy the calls of ``graph``.

        Raises:
            RuntimeError: the graph was loaded from another process, without the functions of its calls.
        """
        if graph.fx_builder is None:
            raise RuntimeError("this graph was loaded from another process; trace the model again")
        self.fx = graph.fx_builder()
        self._nodes: dict[int, fx.Node] = {
            node.meta["operation"].index: node for node in self.fx.nodes if "operation" in node.meta
        }
        self._picked: dict[tuple[int, int], fx.Node] = {}
        for node in self.fx.nodes:
            if "operation" not in node.meta:  # one of several results
                source, position = node.args
                key = (source.meta["operation"].index, position)
                self._picked.setdefault(key, node)

    def checkpoint(self, branch: Branch) -> None:
        """Checkpoint the concatenation and what follows it: only its parts are kept for backward."""
        from torch import fx

        from skiplint.tracing.replay.interpreter import Region

        inner = fx.Graph()
        inputs: dict[fx.Node, fx.Node] = {}
        given: dict[fx.Node, fx.Node] = {}

        def outside(node: fx.Node) -> fx.Node:
            if node not in inputs:
                inputs[node] = given[node] = inner.placeholder(f"given_{len(inputs)}")
            return inputs[node]

        nodes = [self._nodes[index] for index in branch.operations]
        parts = [self._tensor(part.operand) for part in branch.join.parts]
        whole = self._nodes[branch.join.operation]
        reads = [read for node in nodes for read in node.all_input_nodes]
        for each in dict.fromkeys([*parts, *reads]):
            if each is not whole and each not in nodes:
                outside(each)
        inputs[whole] = self._cat(inner, branch.join, [inputs[p] for p in parts])
        for node in nodes:
            inputs[node] = inner.node_copy(node, lambda each: inputs[each])
        inner.output((inputs[nodes[-1]],))
        with self.fx.inserting_before(nodes[-1]):
            again = self.fx.create_node("call_function", Region(inner), tuple(given), name="checkpoint")
        self._replace(nodes, again)

    def sum_of_parts(self, branch: Branch) -> None:
        """Replace the layer after a concatenation by a sum of layers, each of one part and its weights."""
        import torch

        nodes = [self._nodes[index] for index in branch.operations]
        total: fx.Node | None = None
        with self.fx.inserting_before(nodes[-1]):
            for part in branch.join.parts:
                value = self._tensor(part.operand)
                for node in nodes[:-1]:
                    value = self._on_part(node, value, part)
                value = self._layer_on_part(nodes[-1], value, part, bias=total is None)
                total = value if total is None else self.fx.call_function(torch.add, (total, value))
        if total is not None:
            self._replace(nodes, total)

    def share_buffer(self, longest: Join, others: Sequence[tuple[Join, int]], shape: Sequence[int]) -> None:
        """Write the parts of ``longest`` into one buffer; ``longest`` and ``others`` become slices of it.

        Args:
            longest: the join that holds the parts of all.
            others: joins of adjacent parts of it, each with the channel at which it starts.
            shape: the shape of ``longest``.
        """
        import torch

        first = min(longest.parts, key=lambda part: part.operand.producer)
        operation = self._nodes[longest.operation].meta["operation"]
        dtype = getattr(torch, operation.outputs[0].dtype)
        with self.fx.inserting_after(self._tensor(first.operand)):
            buffer = self.fx.call_function(torch.empty, (tuple(shape),), {"dtype": dtype})
        after = buffer
        for part in sorted(longest.parts, key=lambda part: part.operand.producer):
            feature = self._tensor(part.operand)
            with self.fx.inserting_after(after if part is first else feature):
                place = self._narrow(buffer, longest.dim, part)
            with self.fx.inserting_after(place):
                copied = self.fx.call_function(torch.Tensor.copy_, (place, feature))
            # Whatever reads the feature from now on reads it in the buffer, so that it can go.
            for user in [user for user in feature.users if user is not copied]:
                user.replace_input_with(feature, place)
        for join, start in [(longest, 0), *others]:
            node = self._nodes[join.operation]
            size = sum(part.size for part in join.parts)
            with self.fx.inserting_before(node):
                view = self._narrow(buffer, longest.dim, Part(join.parts[0].operand, start, size))
            node.replace_all_uses_with(view)
            self.fx.erase_node(node)

    def drop(self, joins: Sequence[Join]) -> None:
        """Remove those of the concatenations ``joins`` that are no longer read."""
        for join in reversed(joins):
            node = self._nodes[join.operation]
            if not node.users:
                self.fx.erase_node(node)

    def _tensor(self, operand: Operand) -> fx.Node:
        picked = self._picked.get((operand.producer, operand.output))
        return picked if picked is not None else self._nodes[operand.producer]

    def _replace(self, nodes: Sequence[fx.Node], new: fx.Node) -> None:
        nodes[-1].replace_all_uses_with(new)
        self._nodes[nodes[-1].meta["operation"].index] = new  # later joins may hold it
        for node in reversed(nodes):
            self.fx.erase_node(node)

    def _cat(self, graph: fx.Graph, join: Join, parts: list[fx.Node]) -> fx.Node:
        import torch

        return graph.call_function(torch.cat, (parts, join.dim))

    def _narrow(self, tensor: fx.Node, dim: int, part: Part) -> fx.Node:
        import torch

        return self.fx.call_function(torch.narrow, (tensor, dim, part.start, part.size))

    def _on_part(self, node: fx.Node, value: fx.Node, part: Part) -> fx.Node:
        """A call that treats every channel by itself, on the channels of one part."""
        operation = node.meta["operation"]
        args: list[Any] = [value, *node.args[1:]]
        for position in _PER_CHANNEL if operation.op.is_a(Family.BATCH_NORM) else ():
            if args[position] is not None:
                args[position] = self._narrow(args[position], 0, part)
        return self._named(node, tuple(args))

    def _layer_on_part(self, node: fx.Node, value: fx.Node, part: Part, *, bias: bool) -> fx.Node:
        """A convolution or linear map of one part; the bias is added once."""
        rest = list(node.args[2:])
        if rest and not bias:
            rest[0] = None
        return self._named(node, (value, self._narrow(node.args[1], 1, part), *rest))  # type: ignore[arg-type]

    def _named(self, node: fx.Node, args: tuple[Any, ...]) -> fx.Node:
        new = self.fx.call_function(node.target, args, dict(node.kwargs))  # type: ignore[arg-type]
        new.meta["op"] = node.meta["operation"].op
        return new
