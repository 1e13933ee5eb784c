"""Counting paths in a graph without cycles, exactly and without listing them.

The number of paths grows exponentially (54 residual blocks have 2^54), so a node keeps a histogram: how
many paths reach it at each length. A histogram is one big integer, the generating polynomial at
z = 2^width (Kronecker substitution): digit k counts the paths of length ``low + k``. Adding two histograms
is then one addition and a longer path one shift, whatever the number of lengths, and a digit never
overflows because ``width`` holds the number of all paths together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skiplint.progress import tracked


@dataclass(frozen=True)
class PathGraph:
    """A graph to count paths in. A node's number is its place in a topological order."""

    reads: tuple[tuple[int, ...], ...]
    """The nodes that each node reads, once an edge: a number that stands twice is two edges."""
    weight: tuple[int, ...]
    """How much longer each node makes a path, 0 or 1."""
    sources: tuple[int, ...]
    """Where paths start."""
    sinks: tuple[int, ...]
    """Where paths end; a node that stands twice is two ends."""

    def __len__(self) -> int:
        return len(self.reads)

    def reversed(self) -> PathGraph:
        """The same paths, walked from their ends to their starts: node ``i`` becomes ``len - 1 - i``."""
        last = len(self) - 1
        rows: list[list[int]] = [[] for _ in self.reads]
        for node, reads in enumerate(self.reads):
            for read in reads:
                rows[last - read].append(last - node)
        return PathGraph(
            tuple(map(tuple, rows)),
            self.weight[::-1],
            tuple(last - node for node in self.sinks),
            tuple(last - node for node in self.sources),
        )


class Histogram(NamedTuple):
    """The polynomial ``z^low * digits(z)`` at ``z = 2^width``; no paths at all where ``digits`` is 0."""

    low: int
    digits: int


_NONE = Histogram(0, 0)


def reduced(graph: PathGraph) -> tuple[PathGraph, tuple[int | None, ...]]:
    """A smaller graph with the same paths, and where each node is in it (None: on no path).

    Dead ends go, and so does what no source reaches. Sums that begin with the same nodes share that
    beginning: layer k of a dense block adds up k histograms, of which layer k - 1 had added up all but
    one, so a block of L layers takes L additions, not L(L+1)/2. Every node reads at most two others.
    """
    alive = _on_a_path(graph)
    place: list[int | None] = [None] * len(graph)
    reads: list[tuple[int, ...]] = []
    weight: list[int] = []
    sums: dict[tuple[int, int], int] = {}

    def add(row: tuple[int, ...], extra: int) -> int:
        reads.append(row)
        weight.append(extra)
        return len(reads) - 1

    for node, row in enumerate(graph.reads):
        if not alive[node]:
            continue
        left: int | None = None
        for right in sorted(at for at in (place[read] for read in row) if at is not None):
            if left is None:
                left = right
            else:
                pair = (left, right)
                if pair not in sums:
                    sums[pair] = add(pair, 0)
                left = sums[pair]
        place[node] = add(() if left is None else (left,), graph.weight[node])
    sources = tuple(at for at in (place[node] for node in graph.sources) if at is not None)
    sinks = tuple(at for at in (place[node] for node in graph.sinks) if at is not None)
    return PathGraph(tuple(reads), tuple(weight), sources, sinks), tuple(place)


def _on_a_path(graph: PathGraph) -> bytearray:
    """For each node whether a path from a source to a sink passes it."""
    reached, wanted = bytearray(len(graph)), bytearray(len(graph))
    for node in graph.sources:
        reached[node] = 1
    for node, reads in enumerate(graph.reads):
        if any(reached[read] for read in reads):
            reached[node] = 1
    for node in graph.sinks:
        wanted[node] = 1
    for node in range(len(graph) - 1, -1, -1):
        wanted[node] &= reached[node]
        if wanted[node]:
            for read in graph.reads[node]:
                wanted[read] = 1
    return wanted


def counts(graph: PathGraph) -> list[int]:
    """How many paths lead from the sources to each node."""
    found = [0] * len(graph)
    starts = Counter(graph.sources)
    for node, reads in enumerate(graph.reads):
        if len(reads) == 1 and node not in starts:
            found[node] = found[reads[0]]  # the same object: a long chain holds one number
        else:
            found[node] = sum([found[read] for read in reads], starts[node])
    return found


def shortest(graph: PathGraph) -> list[int | None]:
    """The least weight of a path from the sources to each node, itself included; None without a path."""
    return _extreme(graph, min)


def longest(graph: PathGraph) -> list[int | None]:
    """The greatest weight of a path from the sources to each node, itself included; None without a path."""
    return _extreme(graph, max)


def _extreme(graph: PathGraph, choose: Callable[[list[int]], int]) -> list[int | None]:
    found: list[int | None] = [None] * len(graph)
    starts = set(graph.sources)
    for node, reads in enumerate(graph.reads):
        known = [at for at in (found[read] for read in reads) if at is not None]
        if node in starts:
            known.append(0)
        if known:
            found[node] = choose(known) + graph.weight[node]
    return found


class Exact:
    """The exact histograms of one reduced graph."""

    def __init__(self, graph: PathGraph) -> None:
        """Choose the width of a digit; whole bytes, so that digits can be cut out of a byte string."""
        self.graph = graph
        total = counts(graph)
        self.count = sum(total[node] for node in graph.sinks)
        self.bytes = max(1, (self.count.bit_length() + 7) // 8)

    @property
    def cost(self) -> int:
        """An upper bound of the bytes that the additions read."""
        low, high = shortest(self.graph), longest(self.graph)
        ends = [(low[node] or 0, high[node] or 0) for node in self.graph.sinks]
        span = max((end[1] for end in ends), default=0) - min((end[0] for end in ends), default=0) + 1
        return sum(len(reads) - 1 for reads in self.graph.reads if reads) * span * self.bytes

    def at_sinks(self, graph: PathGraph, sources: Sequence[int]) -> list[Histogram]:
        """The histogram at each sink of ``graph`` of the paths from ``sources``.

        ``graph`` is the one that the digits were measured for, or that one reversed. A histogram is
        dropped when its last reader is done, so memory follows the width of the graph, not its depth.
        """
        left = [0] * len(graph)
        for row in (*graph.reads, graph.sinks):
            for node in row:
                left[node] += 1
        starts = Counter(sources)
        found: list[Histogram] = [_NONE] * len(graph)
        for node, reads in enumerate(tracked(graph.reads, "counting paths")):
            value = self.total(
                (found[read] for read in reads)
                if node not in starts
                else (Histogram(0, 1), *(found[read] for read in reads))
            )
            found[node] = Histogram(value.low + graph.weight[node], value.digits)
            for read in reads:
                left[read] -= 1
                if not left[read]:
                    found[read] = _NONE
        return [found[node] for node in graph.sinks]

    def total(self, histograms: Iterable[Histogram]) -> Histogram:
        """The sum of ``histograms``."""
        value = _NONE
        for other in histograms:
            if not value.digits:
                value = other
            elif other.digits:
                value = add(value, other, 8 * self.bytes)
        return value

    def lengths(self, histogram: Histogram) -> dict[int, int]:
        """How many paths have each length, in ascending order; lengths without a path are left out."""
        size = self.bytes
        number = -(-histogram.digits.bit_length() // (8 * size))
        data = histogram.digits.to_bytes(number * size, "little")
        found = (int.from_bytes(data[at * size : (at + 1) * size], "little") for at in range(number))
        return {histogram.low + at: count for at, count in enumerate(found) if count}


def add(left: Histogram, right: Histogram, width: int) -> Histogram:
    """The sum of two histograms whose digits have ``width`` bits."""
    if left.low > right.low:
        left, right = right, left
    return Histogram(left.low, left.digits + (right.digits << (right.low - left.low) * width))
