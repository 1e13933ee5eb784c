"""Path lengths weighted by the gains along the paths, in floating point at any scale.

The same pass as the exact count: a node's histogram is the sum of those that it reads, each times the gain
of the edge, shifted by the node's own length. A histogram keeps its logarithmic scale beside it, so neither
2^1000 paths nor gains of 10^-300 leave the range of a float.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-300
"""What lies so far below the largest mass of a histogram is left out."""

NOTHING = -math.inf
"""The logarithm of no mass at all."""


class Edge(NamedTuple):
    """A read of node ``source``, and what part of the reader's gradient goes there."""

    source: int
    gain: float


@dataclass(frozen=True)
class GainGraph:
    """A graph whose paths have weights. A node's number is its place in a topological order."""

    reads: Sequence[Sequence[Edge]]
    length: Sequence[int]
    """How much longer each node makes a path, 0 or 1."""
    sources: frozenset[int]
    """Where paths start."""
    ends: Sequence[Edge]
    """Where paths end, with the gradient that they start with on their way back."""


class _Masses(NamedTuple):
    """``exp(scale) * values[k]`` is the mass of the paths of length ``low + k``; the largest value is 1."""

    low: int
    scale: float
    values: Tensor


def masses(graph: GainGraph) -> dict[int, float]:
    """The part of the whole mass that the paths of each length have, in ascending order.

    Empty where no path carries anything.
    """
    left = [0] * len(graph.reads)
    for row in (*graph.reads, graph.ends):
        for edge in row:
            left[edge.source] += 1
    found: list[_Masses | None] = [None] * len(graph.reads)
    for node, row in enumerate(graph.reads):
        parts = [(found[edge.source], edge.gain) for edge in row]
        if node in graph.sources:
            parts.append((_unit(), 1.0))
        value = _total(parts)
        found[node] = value and value._replace(low=value.low + graph.length[node])
        for edge in row:
            left[edge.source] -= 1
            if not left[edge.source]:
                found[edge.source] = None
    total = _total([(found[edge.source], edge.gain) for edge in graph.ends])
    if total is None:
        return {}
    whole = float(total.values.sum())
    return {total.low + at: mass / whole for at, mass in enumerate(total.values.tolist()) if mass > 0}


def log(value: float) -> float:
    """The logarithm; :data:`NOTHING` of 0."""
    return math.log(value) if value > 0 else NOTHING


def log_sum(values: Sequence[float]) -> float:
    """The logarithm of the sum of ``exp(value)``."""
    top = max(values, default=NOTHING)
    return NOTHING if top == NOTHING else top + math.log(sum(math.exp(value - top) for value in values))


def _unit() -> _Masses:
    import torch

    return _Masses(0, 0.0, torch.ones(1, dtype=torch.float64))


def _total(parts: Iterable[tuple[_Masses | None, float]]) -> _Masses | None:
    """The sum of histograms, each times a gain."""
    import torch

    present = [(part, math.log(gain)) for part, gain in parts if part is not None and gain > 0]
    if not present:
        return None
    if len(present) == 1:
        only, gain = present[0]
        return only._replace(scale=only.scale + gain)
    scale = max(part.scale + gain for part, gain in present)
    low = min(part.low for part, _ in present)
    values = torch.zeros(max(part.low + len(part.values) for part, _ in present) - low, dtype=torch.float64)
    for part, gain in present:
        start = part.low - low
        values[start : start + len(part.values)] += part.values * math.exp(part.scale + gain - scale)
    largest = float(values.max())
    values /= largest
    values[values < _LEAST] = 0
    return _Masses(low, scale + math.log(largest), values)


def moments(histogram: Mapping[int, float]) -> tuple[float, float]:
    """Mean and standard deviation of a distribution."""
    mean = sum(length * share for length, share in histogram.items())
    variance = sum((length - mean) ** 2 * share for length, share in histogram.items())
    return mean, math.sqrt(max(0.0, variance))
