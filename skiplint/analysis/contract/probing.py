"""Asking the model itself: a forward without values at other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skiplint.analysis.contract.axes import Axis
from skiplint.analysis.provider import TracedModel
from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    from skiplint.tracing import Subject
    from skiplint.tracing.execution.errors import Refusal
    from skiplint.tracing.execution.subject import Attempt

Point = tuple[int, ...]
"""A size for each axis."""
Shape = tuple[int, ...]

LIMIT = 400
"""Forwards that are run of a small model, before its contract is given up."""
CALLS = 150_000
"""Calls in all these forwards together, of a large one: about fifteen seconds on the meta device."""
TRACE = 5
"""Forwards that take as long as one that is traced."""
_FAKE = 4
"""How much longer a call on fake tensors takes than one on the meta device."""


class TooManyProbesError(Exception):
    """The sizes follow no pattern that could be found with the forwards that there were to spend."""


class Budget:
    """The forwards that may still be run of a model, in whatever order they are asked for.

    Counted and not timed: the same model has the same contract on every machine.
    """

    def __init__(self, graph: ModelGraph) -> None:
        """Have as many as the calls of ``graph`` allow."""
        cost = max(len(graph), 1) * (_FAKE if graph.backend == "fake" else 1)
        self.left = min(LIMIT, CALLS // cost)

    def spend(self, forwards: int) -> None:
        """Take some away.

        Raises:
            TooManyProbesError: there are not as many.
        """
        if forwards > self.left:
            raise TooManyProbesError
        self.left -= forwards


Answers = dict[tuple[Shape, ...], "Refusal | None"]
"""Why the forward does not run, by the shapes of its inputs; None where it does."""


class TriedShapes:
    """The answers that were had of a traced model so far; they are shared, and grow with every question."""

    @staticmethod
    def compute(analysis: TracedModel) -> Answers:
        """No answer yet."""
        del analysis
        return {}


class Prober:
    """Whether the model runs at a point, each point run once."""

    def __init__(
        self, subject: Subject, axes: Sequence[Axis], attempt: Attempt, budget: Budget, known: Answers
    ) -> None:
        """Ask about ``axes`` of the inputs of ``subject`` by ``attempt``, and keep what is ``known``."""
        self._budget = budget
        self._axes = tuple(axes)
        self._attempt = attempt
        self._shapes = subject.shapes
        self.base: Point = tuple(axis.size for axis in axes)
        """The example's own point."""
        self._known = known
        self._known[self.shapes(self.base)] = None

    @property
    def left(self) -> int:
        """Forwards that may still be run."""
        return self._budget.left

    def may_trace(self) -> bool:
        """Whether there is enough left for a trace, which is then taken as made."""
        if self.left < TRACE:
            return False
        self._budget.spend(TRACE)
        return True

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
        shapes = self.shapes(point)
        if shapes not in self._known:
            self._budget.spend(1)
            self._known[shapes] = self._attempt(shapes)
        return self._known[shapes]

    def shapes(self, point: Point) -> tuple[Shape, ...]:
        """The shapes of the inputs at ``point``."""
        shapes = [list(shape) for shape in self._shapes]
        for axis, size in zip(self._axes, point, strict=True):
            for number, dim in axis.places:
                shapes[number][dim] = size
        return tuple(map(tuple, shapes))
