"""All paths from a model's inputs to its outputs: how long they are, and what lies on them.

A path follows tensor reads from an input to an output. Its length is counted in two units. In ``layers`` a
path is one of the recorded data graph and its length the weighted layers on it: query, key and value of an
attention are three ways, and so are the two operands of ``x - x.mean()``. In ``blocks`` a path is one of the
skip structure and its length the residual blocks that it goes through (see ``path_blocks``), the unit of
Veit, Wilber and Belongie (2016).

Everything is exact and computed when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from skiplint.analysis.paths.blocks import BlockGraph, block_graph
from skiplint.analysis.paths.counts import Exact, Histogram, PathGraph, counts, reduced, shortest
from skiplint.analysis.paths.lengths import PathLengths, Unit
from skiplint.analysis.paths.reads import output_tensors, path_reads
from skiplint.analysis.paths.shortcuts import shortcut_chains
from skiplint.analysis.paths.words import lengths_in_words, path_count
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips import Skip, Skips
from skiplint.display.facts import Facts, Shown
from skiplint.graph import ModelGraph, Operand

__all__ = ["LayerPaths", "PairPaths", "PathLengths", "Paths", "SkipPaths", "Unit"]


_MOST_SHOWN = 4 * 10**9
"""Paths are not counted for their text if the additions read more bytes than this, which takes a second."""


@dataclass(frozen=True, slots=True)
class PairPaths:
    """The paths from one input to one output."""

    input: str
    output: str
    layers: PathLengths
    blocks: PathLengths


@dataclass(frozen=True, slots=True)
class LayerPaths:
    """The paths through one weighted layer."""

    operation: int
    """Index of the operation."""
    count: int
    share: Fraction
    """Of all paths in unit ``layers``."""
    distance: int | None
    """Weighted layers after this one on the shortest way to an output; None if it reaches none."""


@dataclass(frozen=True, slots=True)
class SkipPaths:
    """The paths that take the shortcuts of one skip."""

    join: int
    """Index of the join, as in ``Skip.join``."""
    count: int
    """In unit ``layers``: the paths that follow a shortcut from its fork to the join."""
    share: Fraction
    """The same as a part of all paths."""
    block_share: Fraction
    """The part of all paths in unit ``blocks`` that enter the join by a shortcut, not through the block."""


@dataclass(frozen=True)
class Paths(Shown):
    """All input-to-output paths of one graph."""

    graph: ModelGraph
    skips: Sequence[Skip]

    @classmethod
    def compute(cls, analysis: TracedModel) -> Paths:
        """The paths of a traced model."""
        return cls(analysis.graph, analysis.of(Skips))

    def __repr__(self) -> str:
        return f"Paths({self.graph.name!r}, {len(self.skips)} skips)"

    def _headline(self) -> str:
        return f"Paths of {self.graph.name}"

    def _facts(self) -> Facts:
        if self.cost > _MOST_SHOWN:
            return [("path lengths", "too many paths to count in about a second; ask for .layers or .blocks")]
        layers, blocks = self.layers, self.blocks
        # str(int) refuses numbers of more than 4,300 digits, Decimal does not.
        count, block_count = str(Decimal(layers.count)), str(Decimal(blocks.count))
        facts = [("path lengths", lengths_in_words(layers.min, layers.max, float(layers.mean), count))]
        if layers.count:
            facts.append(("spread", f"{layers.sd:.2f} weighted layers (standard deviation)"))
        if blocks.max:
            ends = f"{blocks.min} to {blocks.max} residual blocks"
            paths = f"over {path_count(block_count)} paths"
            facts.append(("in blocks", f"{ends}, mean {float(blocks.mean):.1f}, {paths}"))
        return facts

    @cached_property
    def layers(self) -> PathLengths:
        """Lengths in weighted layers."""
        return self._layers.total("layers")

    @cached_property
    def blocks(self) -> PathLengths:
        """Lengths in residual blocks."""
        return self._blocks.total("blocks")

    @cached_property
    def pairs(self) -> tuple[PairPaths, ...]:
        """The same for every pair of an input and an output that a path joins."""
        inputs = [_input_name(self.graph, index) for index in self._inputs]
        outputs = [operand.argument or "output" for operand in output_tensors(self.graph)]
        layers, blocks = self._layers.by_pair("layers"), self._blocks.by_pair("blocks")
        none = PathLengths("blocks", {})
        return tuple(
            PairPaths(inputs[pair.source], outputs[pair.sink], layers[pair], blocks.get(pair, none))
            for pair in sorted(layers)
        )

    @cached_property
    def through(self) -> tuple[LayerPaths, ...]:
        """Every weighted layer, in execution order."""
        flow = self._layers
        found = []
        for operation in self.graph:
            if operation.weighted:
                node = flow.place[operation.index]
                count = flow.before(operation.index) * flow.after(operation.index)
                distance = None if node is None else flow.distances[node]
                found.append(LayerPaths(operation.index, count, flow.share(count), distance))
        return tuple(found)

    @cached_property
    def shortcuts(self) -> tuple[SkipPaths, ...]:
        """Every skip, in execution order."""
        return tuple(self._shortcut(skip) for skip in self.skips)

    @property
    def cost(self) -> int:
        """About how many bytes the additions for ``layers``, ``blocks`` and ``pairs`` read."""
        return self._layers.cost + self._blocks.cost

    @property
    def layers_cost(self) -> int:
        """The same for ``layers`` alone."""
        return self._layers.exact.cost

    def _shortcut(self, skip: Skip) -> SkipPaths:
        flow, blocks = self._layers, self._blocks
        count = sum(
            flow.before(chain.start) * chain.ways * flow.after(chain.end)
            for chain in shortcut_chains(self._reads, skip)
        )
        taken = sum(blocks.before(node) for node in self._block_graph.shortcuts[skip.join])
        block_count = taken * blocks.after(self._block_graph.joins[skip.join])
        return SkipPaths(skip.join, count, flow.share(count), blocks.share(block_count))

    @cached_property
    def _reads(self) -> tuple[tuple[Operand, ...], ...]:
        return path_reads(self.graph)

    @cached_property
    def _inputs(self) -> tuple[int, ...]:
        return tuple(operation.index for operation in self.graph if operation.kind == "input")

    @cached_property
    def _block_graph(self) -> BlockGraph:
        return block_graph(self.graph, self.skips, self._reads)

    @cached_property
    def _layers(self) -> _Flow:
        rows = tuple(tuple(operand.producer for operand in row) for row in self._reads)
        weight = tuple(int(operation.weighted) for operation in self.graph)
        sinks = tuple(operand.producer for operand in output_tensors(self.graph))
        return _Flow(PathGraph(rows, weight, self._inputs, sinks))

    @cached_property
    def _blocks(self) -> _Flow:
        return _Flow(self._block_graph.paths)


class _Pair(NamedTuple):
    """Positions among the inputs and among the outputs."""

    source: int
    sink: int


class _Flow:
    """Counts over one path graph, by the numbers of its nodes."""

    def __init__(self, graph: PathGraph) -> None:
        self.whole = graph
        self.graph, self.place = reduced(graph)
        self.exact = Exact(self.graph)
        self._reversed = self.graph.reversed()
        self._before = counts(self.graph)

    def total(self, unit: Unit) -> PathLengths:
        """The lengths of all paths."""
        return self._lengths(self.exact.total(self.exact.at_sinks(self.graph, self.graph.sources)), unit)

    def by_pair(self, unit: Unit) -> dict[_Pair, PathLengths]:
        """The lengths of the paths from each source to each sink, where there are any.

        One pass for each source or one for each sink, whichever are fewer.
        """
        sources = [at for at, node in enumerate(self.whole.sources) if self.place[node] is not None]
        sinks = [at for at, node in enumerate(self.whole.sinks) if self.place[node] is not None]
        forward = len(sources) <= len(sinks)
        graph = self.graph if forward else self._reversed
        found: dict[_Pair, PathLengths] = {}
        for start, node in zip(sources if forward else sinks, graph.sources, strict=True):
            histograms = self.exact.at_sinks(graph, (node,))
            for end, histogram in zip(sinks if forward else sources, histograms, strict=True):
                if histogram.digits:
                    pair = _Pair(start, end) if forward else _Pair(end, start)
                    found[pair] = self._lengths(histogram, unit)
        return found

    @property
    def cost(self) -> int:
        """What the total and the pairs cost: one pass, and one for each source or sink."""
        return self.exact.cost * (1 + min(len(self.graph.sources), len(self.graph.sinks)))

    def before(self, node: int) -> int:
        """How many paths lead from the sources to ``node``."""
        at = self.place[node]
        return 0 if at is None else self._before[at]

    def after(self, node: int) -> int:
        """How many paths lead from ``node`` to the sinks."""
        at = self.place[node]
        return 0 if at is None else self._after[-1 - at]

    def share(self, count: int) -> Fraction:
        """``count`` as a part of all paths."""
        return Fraction(count, self.exact.count) if self.exact.count else Fraction(0)

    @cached_property
    def distances(self) -> list[int | None]:
        """For each node of the reduced graph the least weight after it on a path to a sink."""
        ways = shortest(self._reversed)[::-1]
        return [
            None if way is None else way - weight for way, weight in zip(ways, self.graph.weight, strict=True)
        ]

    @cached_property
    def _after(self) -> list[int]:
        return counts(self._reversed)

    def _lengths(self, histogram: Histogram, unit: Unit) -> PathLengths:
        return PathLengths(unit, self.exact.lengths(histogram))


def _input_name(graph: ModelGraph, index: int) -> str:
    return graph.operations[index].id.removeprefix("input/")
