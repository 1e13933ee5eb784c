"""The gains of a model's operations and of its residual blocks, from one backward pass taken step by step.

The gradient is pushed from the outputs to the inputs, call by call. At each call the gradient that goes on
to one operand, over the gradient at the call's output, is the gain of that edge. Two things keep gradients
apart on their way. For the blocks, by which edge of the block structure a gradient comes, until it meets a
join or the end of a block; so a branch is measured as a whole, however many ways lead through it. And for
both units, how many blocks lie behind it: what has come by many branches has another direction than what has
come by shortcuts, and the next branch hands it on in another measure.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from skiplint.analysis.gradients.masses import NOTHING, Edge, GainGraph, log, log_sum
from skiplint.analysis.skips import Skip
from skiplint.graph import ModelGraph, Operation
from skiplint.progress import tracked

if TYPE_CHECKING:
    from torch import Tensor

    from skiplint.tracing.replay.tape import Tape

Read = tuple[int, int]
"""A tensor, as (producer, output)."""

_NEGLIGIBLE = math.log(1e-3)
"""Paths with so little of the mass at a node go on with their neighbours' direction."""
_STRATA = 8
"""Directions that are kept apart at one node; more move the mean of 54 blocks by less than 0.1."""


class Node(NamedTuple):
    """A node of the block structure as one stratum of the paths meets it, in topological order."""

    operation: int
    """Index of the operation that makes it."""
    block: bool = False
    """The end of a block, which has length 1; else a join or a start."""
    output: int = 0
    behind: int = 0
    """How many blocks these paths have between here and the loss, this one included."""


OUTSIDE = Node(1 << 62)
"""The loss, from which the gradient comes."""

Found = dict[int, dict[Node, "Tensor"]]
"""The gradients at an operation's outputs, by output and by the node that they come from."""


@dataclass(frozen=True)
class Gains:
    """What one backward pass says."""

    layers: GainGraph
    """Of operations, each once for every node of the blocks that a gradient comes to it from."""
    blocks: GainGraph
    """Of ``nodes``."""
    nodes: Sequence[Node]
    masses: Mapping[Node, float]
    """Logarithm of the mass of all paths from the loss to each node."""
    norms: Mapping[int, float]
    """Norm of the gradient at the outputs of each operation that one reaches."""
    passing: frozenset[int]
    """The operations that hand a gradient on."""


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
        self.norms: dict[int, float] = {}
        self.reads: dict[tuple[int, Node], list[tuple[Read, float]]] = {}
        """What an operation hands on of the gradient from a node, and to which tensors."""
        self.arrived: dict[tuple[Read, Node], Node] = {}
        """What the gradient from a node becomes at a tensor that ends a block or at a join."""
        self.edges: defaultdict[Node, dict[Node, float]] = defaultdict(dict)
        self.block_norms: dict[Node, float] = {OUTSIDE: 1.0}
        self.masses: dict[Node, float] = {OUTSIDE: 0.0}
        self.joins = {skip.join for skip in skips}
        self.starts = {operation.index for operation in graph if _is_start(graph, operation)}
        self.block_ends = {
            (operand.producer, operand.output)
            for skip in skips
            for place, operand in enumerate(skip.operands)
            if place not in {connection.operand for connection in skip.connections}
        }

    def step(self, operation: Operation) -> None:
        """Hand the gradients at the outputs of ``operation`` on to its operands."""
        index = operation.index
        found: Found = {
            output: self.waiting.pop((index, output))
            for output in range(len(operation.outputs))
            if (index, output) in self.waiting
        }
        if not found:
            return
        self.norms[index] = _norm([_sum(parts.values()) for parts in found.values()])
        if not self.norms[index] < math.inf:
            raise ArithmeticError(f"the gradient at {operation.id} is not finite")
        became = {(output, origin): origin for output, parts in found.items() for origin in parts}
        for node, outputs in self._nodes_at(operation, list(found)):
            into = self._arrive(node, found, outputs)
            elsewhere = {key: origin for key, origin in became.items() if key[0] not in outputs}
            arrived = {key: into[origin] for key, origin in became.items() if origin in into}
            became = arrived | elsewhere
        self.arrived |= {((index, output), origin): now for (output, origin), now in became.items()}
        for origin in sorted({each for parts in found.values() for each in parts}):
            at_outputs = {output: parts[origin] for output, parts in found.items() if origin in parts}
            self._pull(operation, origin, at_outputs)
        self.tape.forget(index)

    def _nodes_at(self, operation: Operation, outputs: Sequence[int]) -> Iterator[tuple[Node, Sequence[int]]]:
        """The nodes of the block structure that a gradient meets at ``operation``, from the loss on."""
        index = operation.index
        for output in outputs:
            if (index, output) in self.block_ends:
                yield Node(index, True, output), [output]
        if index in self.joins or index in self.starts:
            yield Node(index), outputs

    def _arrive(self, node: Node, found: Found, outputs: Sequence[int]) -> dict[Node, Node]:
        """Note what has come to ``node`` from where; from there on each stratum is one gradient.

        Changes ``found`` and returns what became of which.
        """
        parts = [found[output] for output in outputs]
        norms = {
            origin: _norm(_of(origin, parts)) for origin in {each: None for part in parts for each in part}
        }
        masses = {
            origin: self.masses[origin] + log(norm / self.block_norms[origin])
            for origin, norm in norms.items()
            if norm > 0
        }
        strata = _strata(masses)
        into = {origin: node._replace(behind=strata[origin.behind] + node.block) for origin in masses}
        for origin, stratum in into.items():
            self.edges[origin][stratum] = norms[origin]
            self.masses[stratum] = log_sum([self.masses.get(stratum, NOTHING), masses[origin]])
        for output, part in zip(outputs, parts, strict=True):
            found[output] = {}
            for origin, gradient in part.items():
                if origin in into:
                    _add(found[output], into[origin], gradient)
        for stratum in set(into.values()):
            self.block_norms[stratum] = _norm(_of(stratum, [found[output] for output in outputs]))
        return into

    def _pull(self, operation: Operation, origin: Node, at_outputs: Mapping[int, Tensor]) -> None:
        """Hand what comes from ``origin`` on to the operands, and note the gains."""
        reads = self.reads.setdefault((operation.index, origin), [])
        if operation.index in self.starts or operation.kind != "call":
            return
        norm = _norm(at_outputs.values())
        for place, gradient in sorted(self.tape.pull(operation, at_outputs).items()):
            operand = operation.operands[place]
            read = operand.producer, operand.output
            _add(self.waiting[read], origin, gradient)
            reads.append((read, _norm([gradient]) / norm if norm else 0.0))

    def result(self, seeds: Mapping[Read, float]) -> Gains:
        """What was measured, when all steps are done."""
        met = sorted(self.reads)
        at = {key: number for number, key in enumerate(met)}

        def edges(reads: Iterable[tuple[Read, float]], origin: Node) -> list[Edge]:
            return [
                Edge(at[read[0], self.arrived[read, origin]], gain)
                for read, gain in reads
                if (read, origin) in self.arrived  # else nothing was left where it arrived
            ]

        layers = GainGraph(
            [edges(self.reads[key], key[1]) for key in met],
            [int(self.graph.operations[index].weighted) for index, _ in met],
            frozenset(number for number, (index, _) in enumerate(met) if index in self.starts),
            edges(seeds.items(), OUTSIDE),
        )
        nodes = sorted(self.block_norms.keys() - {OUTSIDE})
        number = {node: place for place, node in enumerate(nodes)}

        def parts(node: Node) -> list[Edge]:
            return [Edge(number[to], norm / self.block_norms[node]) for to, norm in self.edges[node].items()]

        blocks = GainGraph(
            [parts(node) for node in nodes],
            [int(node.block) for node in nodes],
            frozenset(number[node] for node in nodes if not node.block and node.operation in self.starts),
            parts(OUTSIDE),
        )
        passing = frozenset(
            index for (index, _), reads in self.reads.items() if any(gain for _, gain in reads)
        )
        return Gains(layers, blocks, nodes, self.masses, self.norms, passing)


def _strata(masses: Mapping[Node, float]) -> dict[int, int]:
    """For each number of blocks behind, under which number its gradient goes on."""
    found: dict[int, float] = {}
    for node, mass in masses.items():
        found[node.behind] = log_sum([found.get(node.behind, NOTHING), mass])
    largest = sorted(found, key=found.__getitem__, reverse=True)[:_STRATA]
    kept = [behind for behind in largest if found[behind] >= found[largest[0]] + _NEGLIGIBLE]
    return {behind: min(kept, key=lambda each: abs(each - behind)) for behind in found}


def _is_start(graph: ModelGraph, operation: Operation) -> bool:
    """An input of numbers, or a layer that looks integers up: behind it no gradient goes on."""
    if operation.kind == "input":
        return True
    return operation.weighted and not any(
        graph.spec(operand).floating and graph.operations[operand.producer].data
        for operand in operation.operands
    )


def _of(origin: Node, parts: Iterable[Mapping[Node, Tensor]]) -> list[Tensor]:
    return [part[origin] for part in parts if origin in part]


def _add(gradients: dict[Node, Tensor], origin: Node, gradient: Tensor) -> None:
    gradients[origin] = gradients[origin] + gradient if origin in gradients else gradient


def _sum(tensors: Iterable[Tensor]) -> Tensor:
    first, *others = tensors
    for tensor in others:
        first = first + tensor
    return first


def _norm(tensors: Iterable[Tensor]) -> float:
    import torch

    wide = [
        tensor.detach().to(torch.complex128 if tensor.is_complex() else torch.float64) for tensor in tensors
    ]
    return float(sum(float(tensor.abs().square().sum()) for tensor in wide) ** 0.5)
