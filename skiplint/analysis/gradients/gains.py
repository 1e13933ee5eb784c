"""The gains of a model's operations and of its residual blocks, from one backward pass taken step by step.

The gradient is pushed from the outputs to the inputs, call by call. At each call the gradient that goes on
to one operand, over the gradient at the call's output, is the gain of that edge. Two things keep gradients
apart on their way. For the blocks, by which edge of the block structure a gradient comes, until it meets a
join or the end of a block; so a branch is measured as a whole, however many ways lead through it. And for
both units, its direction: what has come by many branches has another one than what has come by shortcuts, and
the next branch hands it on in another measure. Up to twelve paths to a node stay apart, so their gains are
exact; of more, those go on as one sum that lose least by it (:mod:`skiplint.analysis.gradients.merging`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from skiplint.analysis.gradients.masses import Edge, GainGraph, log, log_sum
from skiplint.analysis.gradients.merging import merged
from skiplint.analysis.skips import Skip
from skiplint.graph import ModelGraph, Operation
from skiplint.progress import tracked

if TYPE_CHECKING:
    from torch import Tensor

    from skiplint.tracing.replay.tape import Tape

Read = tuple[int, int]
"""A tensor, as (producer, output)."""


class Node(NamedTuple):
    """A node of the block structure as one group of paths meets it, in topological order."""

    operation: int
    """Index of the operation that makes it."""
    block: bool = False
    """The end of a block, which has length 1; else a join or a start."""
    output: int = 0
    group: int = 0
    """Of the paths between here and the loss whose gradients go on as one sum."""


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
    reached: Sequence[int]
    """The operations that a gradient other than zero comes to, from the outputs on."""
    passing: frozenset[int]
    """The operations that hand one on."""


def measure_gains(
    graph: ModelGraph, skips: Sequence[Skip], tape: Tape, seeds: Mapping[Read, Tensor]
) -> Gains:
    """How much of the gradient arrives along each connection, from the model's outputs back to its inputs.

    Args:
        graph: the recorded forward.
        skips: its skip connections.
        tape: the tensors of the same forward on real weights.
        seeds: the gradients at the outputs, each of the shape of its output.

    Raises:
        ArithmeticError: a gradient is not finite; the message names the operation.
    """
    sweep = _Sweep(graph, skips, tape)
    norms = {read: sweep.send(read, OUTSIDE, gradient) for read, gradient in seeds.items()}
    for operation in tracked(graph.operations[::-1], "following the gradient back"):
        sweep.step(operation)
    return sweep.result(norms)


class _Sweep:
    def __init__(self, graph: ModelGraph, skips: Sequence[Skip], tape: Tape) -> None:
        self.graph = graph
        self.tape = tape
        self.waiting: defaultdict[Read, dict[Node, Tensor]] = defaultdict(dict)
        """The gradients that have arrived at a tensor, by the node that they come from."""
        self.reads: dict[tuple[int, Node], list[tuple[Read, float]]] = {}
        """What an operation hands on of the gradient from a node, and to which tensors."""
        self.arrived: dict[tuple[Read, Node], Node] = {}
        """What the gradient from a node becomes at a tensor that ends a block or at a join."""
        self.edges: defaultdict[Node, dict[Node, float]] = defaultdict(dict)
        self.block_norms: dict[Node, float] = {OUTSIDE: 1.0}
        self.masses: dict[Node, float] = {OUTSIDE: 0.0}
        self.lengths: dict[Node, float] = {OUTSIDE: 0.0}
        """The mean number of blocks from a node to the loss, its own included."""
        self.joins = {skip.join for skip in skips}
        self.starts = {operation.index for operation in graph if _is_start(graph, operation)}
        self.block_ends = {
            (operand.producer, operand.output)
            for skip in skips
            for place, operand in enumerate(skip.operands)
            if place not in {connection.operand for connection in skip.connections}
        }

    def send(self, read: Read, origin: Node, gradient: Tensor) -> float:
        """Let a gradient from ``origin`` arrive at a tensor; returns its norm."""
        norm = _norm([gradient])
        if not norm < math.inf:
            raise ArithmeticError(f"the gradient at {self.graph.operations[read[0]].id} is not finite")
        _add(self.waiting[read], origin, gradient)
        return norm

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
        """Note what has come to ``node`` from where; from there on each group is one gradient.

        Changes ``found`` and returns what became of which.
        """
        parts: dict[Node, dict[int, Tensor]] = {}
        for output in outputs:
            for origin, gradient in found[output].items():
                parts.setdefault(origin, {})[output] = gradient
            found[output] = {}
        norms = {origin: norm for origin, each in parts.items() if (norm := _norm(each.values())) > 0}
        origins = list(norms)
        masses = [self.masses[each] + log(norms[each] / self.block_norms[each]) for each in origins]
        lengths = [self.lengths[each] for each in origins]
        into: dict[Node, Node] = {}
        for number, places in enumerate(merged([parts[each] for each in origins], masses, lengths)):
            group = node._replace(group=number)
            mass = log_sum([masses[place] for place in places])
            self.masses[group] = mass
            self.lengths[group] = node.block + sum(
                lengths[place] * math.exp(masses[place] - mass) for place in places
            )
            for origin in (origins[place] for place in places):
                into[origin] = group
                self.edges[origin][group] = norms[origin]
                for output, gradient in parts[origin].items():
                    _add(found[output], group, gradient)
            self.block_norms[group] = _norm([found[each][group] for each in outputs if group in found[each]])
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
            sent = self.send(read, origin, gradient)
            reads.append((read, sent / norm if norm else 0.0))

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
        sent = [*seeds.items(), *(each for reads in self.reads.values() for each in reads)]
        reached = sorted({read[0] for read, size in sent if size}, reverse=True)
        return Gains(layers, blocks, nodes, self.masses, reached, passing)


def _is_start(graph: ModelGraph, operation: Operation) -> bool:
    """Whether it is an input of numbers, or a layer that looks integers up: no gradient goes further back."""
    if operation.kind == "input":
        return True
    return operation.weighted and not any(
        graph.spec(operand).floating and graph.operations[operand.producer].data
        for operand in operation.operands
    )


def _add(gradients: dict[Node, Tensor], origin: Node, gradient: Tensor) -> None:
    gradients[origin] = gradients[origin] + gradient if origin in gradients else gradient


def _norm(tensors: Iterable[Tensor]) -> float:
    import torch

    norms = [
        torch.linalg.vector_norm(each, dtype=torch.complex128 if each.is_complex() else torch.float64)
        for each in tensors
    ]
    return math.hypot(*map(float, norms))
