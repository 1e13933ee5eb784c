"""How the memory figures grow with a size: batch, resolution or sequence length."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from skiplint.analysis.memory.totals import Memory
from skiplint.graph import ModelGraph


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """``coefficient * size ** exponent``, fitted to measured points."""

    exponent: float
    coefficient: float
    error: float
    """The largest relative distance of a point from the fit; large for a sum of several powers."""

    def at(self, size: float) -> float:
        """The value of the fit at ``size``."""
        return self.coefficient * float(size**self.exponent)


@dataclass(frozen=True, slots=True)
class Growth:
    """The figures of one model at several sizes, with their fits; None where a figure is 0 somewhere."""

    sizes: tuple[int, ...]
    bytes: Mapping[str, tuple[int, ...]]
    fits: Mapping[str, PowerLaw | None]


def fit_growth(trace_at: Callable[[int], ModelGraph], sizes: Sequence[int]) -> Growth:
    """Trace at each of ``sizes`` and fit a power law to every figure.

    Raises:
        ValueError: fewer than two different sizes, through which no exponent can be fitted.
    """
    return growth_of([figures(Memory(trace_at(size))) for size in sizes], sizes)


def growth_of(measured: Sequence[Mapping[str, int]], sizes: Sequence[int]) -> Growth:
    """Power laws through the figures that were measured at ``sizes``.

    Raises:
        ValueError: fewer than two different sizes, through which no exponent can be fitted.
    """
    columns = {name: tuple(row[name] for row in measured) for name in measured[0]} if measured else {}
    fits = {name: fit_power_law(sizes, values) for name, values in columns.items()}
    return Growth(tuple(sizes), columns, fits)


def figures(memory: Memory) -> dict[str, int]:
    """The figures whose growth is measured, in bytes."""
    return {
        "peak_inference": memory.peak.nbytes,
        "saved_for_backward": memory.saved.nbytes,
        "concat_allocated": memory.totals.allocated,
        "concat_distinct": memory.totals.distinct,
    }


def fit_power_law(sizes: Sequence[int], values: Sequence[int]) -> PowerLaw | None:
    """A power law fitted by least squares to the logarithms; None where a value is not positive.

    Raises:
        ValueError: fewer than two different sizes.
    """
    if len(set(sizes)) < 2:
        raise ValueError("an exponent needs at least two different sizes")
    if min(*sizes, *values) <= 0:
        return None
    points = [(math.log(size), math.log(value)) for size, value in zip(sizes, values, strict=True)]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    exponent = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    law = PowerLaw(exponent, math.exp(mean_y - exponent * mean_x), 0.0)
    error = max(abs(law.at(size) / value - 1) for size, value in zip(sizes, values, strict=True))
    return PowerLaw(law.exponent, law.coefficient, error)
