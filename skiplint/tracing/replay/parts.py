"""Run some of a graph's recorded calls again on real tensors, with values given for what they read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from operator import getitem
from typing import TYPE_CHECKING

from skiplint.graph import ModelGraph, Operation, TensorId
from skiplint.tracing.replay.surroundings import ExecutionError

if TYPE_CHECKING:
    from torch import Tensor, fx


def execute(
    graph: ModelGraph,
    members: Collection[int],
    leaf: Callable[[Operation, int], Tensor],
    *,
    training: bool = False,
    keep: Collection[int] | None = None,
) -> dict[TensorId, Tensor]:
    """Run the calls ``members`` of ``graph`` on the CPU, in order.

    Args:
        graph: the graph; it has to come from this process.
        members: indices of the calls.
        leaf: ``leaf(operation, output)`` gives a tensor that they read from elsewhere, each asked for once.
        training: run batch norms and dropouts that were recorded in evaluation mode as in training.
        keep: the members whose results are wanted; None means all. Others are freed after their last reader.

    Returns:
        The results by (operation, output). A tensor that was written to is there as it was left.

    Raises:
        ExecutionError: a call fails, or the graph came from another process.
    """
    from skiplint.tracing.replay.interpreter import Interpreter

    try:
        nodes = graph.fx.nodes
    except RuntimeError as error:
        raise ExecutionError(str(error)) from error
    part = _Part(frozenset(members))
    for node in nodes:
        part.add(node)
    keys = part.close(members if keep is None else keep)
    return dict(zip(keys, Interpreter(part.graph, leaf, training=training).run(), strict=True))


class _Part:
    """The members of a graph as a graph by itself; a placeholder stands where they read anything else."""

    def __init__(self, members: frozenset[int]) -> None:
        from torch import fx

        self.graph = fx.Graph()
        self._members = members
        self._tensors: dict[TensorId, fx.Node] = {}

    def add(self, node: fx.Node) -> None:
        """Copy ``node`` if it is a member, with what it reads."""
        operation: Operation | None = node.meta.get("operation")
        if operation is None or operation.kind != "call" or operation.index not in self._members:
            return
        copy = self.graph.node_copy(node, self._copy_of)
        several = len(operation.outputs) > 1
        for output in range(len(operation.outputs)):
            tensor = self.graph.call_function(getitem, (copy, output)) if several else copy
            self._tensors[operation.index, output] = tensor

    def _copy_of(self, read: fx.Node) -> fx.Node:
        source, output = read, 0
        if "operation" not in read.meta:  # one of several results
            source, output = read.args  # type: ignore[assignment]
        key = source.meta["operation"].index, output
        if key not in self._tensors:
            given = self.graph.placeholder("given")
            given.meta.update(operation=source.meta["operation"], output=output)
            self._tensors[key] = given
        return self._tensors[key]

    def close(self, keep: Collection[int]) -> list[TensorId]:
        """Return the results of ``keep`` from the graph; their keys in the same order."""
        wanted = self._members.intersection(keep)
        keys = [key for key, node in self._tensors.items() if key[0] in wanted and node.op != "placeholder"]
        self.graph.output(tuple(self._tensors[key] for key in keys))
        return keys
