"""How long the paths of a model are: an exact distribution and what one asks of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

Unit = Literal["layers", "blocks"]


@dataclass(frozen=True)
class PathLengths:
    """How many paths have each length. Everything but ``sd`` is exact; all is 0 where there is no path."""

    unit: Unit
    """``layers``: weighted layers on the path. ``blocks``: residual blocks that it goes through."""
    histogram: Mapping[int, int]
    """Number of paths by length, in ascending order, without zeros."""

    @cached_property
    def count(self) -> int:
        """The number of paths."""
        return sum(self.histogram.values())

    @property
    def min(self) -> int:
        """The length of the shortest path."""
        return next(iter(self.histogram), 0)

    @property
    def max(self) -> int:
        """The length of the longest path."""
        return next(reversed(list(self.histogram)), 0)

    @cached_property
    def mean(self) -> Fraction:
        """The mean length."""
        return self._over_count(sum(length * number for length, number in self.histogram.items()))

    @cached_property
    def variance(self) -> Fraction:
        """The variance of the length."""
        squares = sum(length * length * number for length, number in self.histogram.items())
        return self._over_count(squares) - self.mean**2

    @property
    def sd(self) -> float:
        """The standard deviation of the length."""
        return math.sqrt(self.variance)

    def percentile(self, percent: float) -> int:
        """The least length that at least ``percent`` of the paths do not exceed.

        Raises:
            ValueError: ``percent`` is not in 0..100.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"a percentile is between 0 and 100, not {percent}")
        wanted, seen = Fraction(percent) * self.count, 0
        for length, number in self.histogram.items():
            seen += number
            if 100 * seen >= wanted:
                return length
        return 0

    def share(self, low: int, high: int) -> Fraction:
        """Which part of the paths has a length from ``low`` to ``high``, both included."""
        return self._over_count(
            sum(number for length, number in self.histogram.items() if low <= length <= high)
        )

    def _over_count(self, number: int) -> Fraction:
        return Fraction(number, self.count) if self.count else Fraction(0)
