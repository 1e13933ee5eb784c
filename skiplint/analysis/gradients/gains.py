"""The gains of a model's operations and of its residual blocks, from one backward pass taken step by step.

The gradient is pushed from the outputs to the inputs, call by call. At each call the gradient that goes on
to one operand, over the gradient at the call's output, is the gain of that edge. For the blocks the pass
keeps apart by which edge of the block structure a gradient is on its way, until it meets a join or the
end of a block; so a branch is measured as a whole, however many ways lead through it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from skiplint.analysis.gradients.masses import Edge, GainGraph
from skiplint.analysis.skips import Skip
from skiplint.graph import ModelGraph, Operation
from skiplint.progress import tracked

if TYPE_CHECKING:
    from torch import Tensor

    from skiplint.tracing.tape import Tape

Read = tuple[int, int]
"""A tensor, as (producer, output)."""


class Node(NamedTuple):
    """A node of the block structure, in topological order."""

    operation: int
    """Index of the operation that makes it."""
    block: bool = False
    """The end of a block, which has length 1; else a join or a start."""
    output: int = 0


OUTSIDE = Node(1 << 62)
"""The loss, from which the gradient comes."""


@dataclass
class Gains:
    """What one backward pass says."""

    layers: GainGraph
    blocks: GainGraph
    norms: Mapping[int, float]
    """Norm of the gradient at the outputs of each operation that one reaches."""
    block_norms: Mapping[Node, float] = field(default_factory=dict)
    block_edges: Mapping[Node, Mapping[Node, float]] = field(default_factory=dict)


def measure_gains(
    graph: ModelGraph, skips: Sequence[Skip], tape: Tape, seeds: Mapping[Read, Tensor]
) -> Gains:
    """Push the gradients ``seeds`` at the model's outputs back to its inputs.

    Raises:
        ArithmeticError: a gradient is not finite; the message names the operation.
    """
    sweep = _Sweep(graph, skips, tape)
    for read, gradient in seeds.items():
        sweep.waiting[read][OUTSIDE] = gradient
    for operation in tracked(graph.operations[::-1], "following the gradient back"):
        sweep.step(operation)
    return sweep.result({read: float(gradient.norm()) for read, gradient in seeds.items()})


class _Sweep:
    def __init__(self, graph: ModelGraph, skips: Sequence[Skip], tape: Tape) -> None:
        self.graph = graph
        self.tape = tape
        self.waiting: defaultdict[Read, dict[Node, Tensor]] = defaultdict(dict)
        """The gradients that have arrived at a tensor, by the node that they come from."""
        self.rows: list[list[Edge]] = [[] for _ in graph.operations]
        self.norms: dict[int, float] = {}
        self.edges: defaultdict[Node, dict[Node, float]] = defaultdict(dict)
        self.block_norms: dict[Node, float] = {}
        self.joins = {skip.join for skip in skips}
        self.starts: set[int] = set()
        self.block_ends = {
            (operand.producer, operand.output)
            for skip in skips
            for place, operand in enumerate(skip.operands)
            if place not in {connection.operand for connection in skip.connections}
        }

    def step(self, operation: Operation) -> None:
        """Hand the gradients at the outputs of ``operation`` on to its operands."""
        index = operation.index
        found = {
            output: self.waiting.pop((index, output))
            for output in range(len(operation.outputs))
            if (index, output) in self.waiting
        }
        if not found:
            return
        norm = _norm([_sum(list(parts.values())) for parts in found.values()])
        if not norm < float("inf"):
            raise ArithmeticError(f"the gradient at {operation.id} is not finite")
        self.norms[index] = norm
        for output, parts in found.items():
            if (index, output) in self.block_ends:
                found[output] = self._arrive(Node(index, True, output), {output: parts})[output]
        is_start = _is_start(self.graph, operation)
        if index in self.joins or is_start:
            found = self._arrive(Node(index), found)
        if is_start:
            self.starts.add(index)
        elif operation.kind == "call":
            self._pull(operation, found, norm)
        self.tape.forget(index)

    def _arrive(
        self, node: Node, found: Mapping[int, Mapping[Node, Tensor]]
    ) -> dict[int, dict[Node, Tensor]]:
        """Note what has come to ``node`` from where; from there on it is one gradient."""
        for origin in {each for parts in found.values() for each in parts}:
            self.edges[origin][node] = _norm([parts[origin] for parts in found.values() if origin in parts])
        totals = {output: _sum(list(parts.values())) for output, parts in found.items()}
        self.block_norms[node] = _norm(list(totals.values()))
        return {output: {node: total} for output, total in totals.items()}

    def _pull(self, operation: Operation, found: Mapping[int, Mapping[Node, Tensor]], norm: float) -> None:
        together: dict[int, list[Tensor]] = defaultdict(list)
        for origin in sorted({each for parts in found.values() for each in parts}):
            at_outputs = {output: parts[origin] for output, parts in found.items() if origin in parts}
            for place, gradient in self.tape.pull(operation, at_outputs).items():
                operand = operation.operands[place]
                waiting = self.waiting[operand.producer, operand.output]
                known = waiting.get(origin)
                waiting[origin] = gradient if known is None else known + gradient
                together[place].append(gradient)
        if norm > 0:
            self.rows[operation.index] = [
                Edge(operation.operands[place].producer, _norm([_sum(parts)]) / norm)
                for place, parts in sorted(together.items())
            ]

    def result(self, seeds: Mapping[Read, float]) -> Gains:
        """What was measured, when all steps are done."""
        layers = GainGraph(
            self.rows,
            [int(operation.weighted) for operation in self.graph],
            frozenset(self.starts),
            [Edge(producer, norm) for (producer, _), norm in seeds.items()],
        )
        nodes = sorted(self.block_norms)
        number = {node: at for at, node in enumerate(nodes)}
        blocks = GainGraph(
            [self._block_row(node, number) for node in nodes],
            [int(node.block) for node in nodes],
            frozenset(number[Node(start)] for start in self.starts),
            [Edge(number[node], norm) for node, norm in self.edges[OUTSIDE].items()],
        )
        return Gains(layers, blocks, self.norms, self.block_norms, self.edges)

    def _block_row(self, node: Node, number: Mapping[Node, int]) -> list[Edge]:
        norm = self.block_norms[node]
        return [Edge(number[to], each / norm) for to, each in self.edges[node].items()] if norm else []


def _is_start(graph: ModelGraph, operation: Operation) -> bool:
    """An input of numbers, or a layer that looks integers up: behind it no gradient goes on."""
    if operation.kind == "input":
        return True
    return operation.weighted and not any(
        graph.spec(operand).floating and graph.operations[operand.producer].data
        for operand in operation.operands
    )


def _sum(tensors: Sequence[Tensor]) -> Tensor:
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total + tensor
    return total


def _norm(tensors: Sequence[Tensor]) -> float:
    import torch

    wide = [
        tensor.detach().to(torch.complex128 if tensor.is_complex() else torch.float64) for tensor in tensors
    ]
    return float(sum(float(tensor.abs().square().sum()) for tensor in wide) ** 0.5)
