"""Asking the model itself: a forward without values at other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skiplint.analysis.contract.axes import Axis

if TYPE_CHECKING:
    from skiplint.tracing import Subject
    from skiplint.tracing.errors import Refusal
    from skiplint.tracing.subject import Attempt

Point = tuple[int, ...]
"""A size for each axis."""
Shape = tuple[int, ...]

LIMIT = 400
"""Forwards that are run of a small model, before its contract is given up."""
CALLS = 100_000
"""Calls in all these forwards together, of a large one: two seconds, about."""


class TooManyProbesError(Exception):
    """The sizes follow no pattern that could be found in :data:`LIMIT` trials."""


class Prober:
    """Whether the model runs at a point, each point run once."""

    def __init__(self, subject: Subject, axes: Sequence[Axis], attempt: Attempt, calls: int) -> None:
        """Ask about ``axes`` of the inputs of ``subject`` by ``attempt``; a forward makes ``calls`` calls."""
        self._limit = min(LIMIT, CALLS // max(calls, 1))
        self._axes = tuple(axes)
        self._attempt = attempt
        self._shapes = subject.shapes
        self.base: Point = tuple(axis.size for axis in axes)
        """The example's own point."""
        self._known: dict[Point, Refusal | None] = {self.base: None}

    @property
    def count(self) -> int:
        """Forwards that were run."""
        return len(self._known) - 1

    @property
    def left(self) -> int:
        """Forwards that may still be run."""
        return self._limit - self.count

    def accepts(self, point: Point) -> bool:
        """Whether the forward runs at ``point``.

        Raises:
            TooManyProbesError: it was asked too often.
        """
        return self.refusal(point) is None

    def refusal(self, point: Point) -> Refusal | None:
        """Why the forward does not run at ``point``, None if it does.

        Raises:
            TooManyProbesError: it was asked too often.
        """
        if point not in self._known:
            if self.count >= self._limit:
                raise TooManyProbesError
            self._known[point] = self._attempt(self.shapes(point))
        return self._known[point]

    def shapes(self, point: Point) -> tuple[Shape, ...]:
        """The shapes of the inputs at ``point``."""
        shapes = [list(shape) for shape in self._shapes]
        for axis, size in zip(self._axes, point, strict=True):
            for number, dim in axis.places:
                shapes[number][dim] = size
        return tuple(map(tuple, shapes))
