"""Run the model without values at other sizes, to see whether it accepts them."""

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
"""The number of forwards after which the contract of a small model is given up."""
CALLS = 150_000
"""The number of calls in all forwards of a large model: about fifteen seconds on the meta device."""
TRACE = 5
"""The number of forwards that take as long as one trace."""
_FAKE = 4
"""The time of a call on fake tensors, relative to one on the meta device."""


class TooManyProbesError(Exception):
    """The allowed number of forwards was not enough to find a pattern in the sizes."""


class Budget:
    """The number of forwards of a model that may still be run.

    It is a number, not a time, so that a model has the same contract on every machine.
    """

    def __init__(self, graph: ModelGraph) -> None:
        """Allow fewer forwards the more calls ``graph`` has."""
        cost = max(len(graph), 1) * (_FAKE if graph.backend == "fake" else 1)
        self.left = min(LIMIT, CALLS // cost)

    def spend(self, forwards: int) -> None:
        """Use up a number of forwards.

        Raises:
            TooManyProbesError: fewer are left.
        """
        if forwards > self.left:
            raise TooManyProbesError
        self.left -= forwards


Answers = dict[tuple[Shape, ...], "Refusal | None"]
"""Why the forward does not run, by the shapes of its inputs; None if it runs."""


class TriedShapes:
    """The answers that were had of a traced model so far; they are shared, and grow with every question."""

    @staticmethod
    def compute(analysis: TracedModel) -> Answers:
        """No answer yet."""
        del analysis
        return {}


class Prober:
    """Tells whether the model runs at a point; each point is run once."""

    def __init__(
        self, subject: Subject, axes: Sequence[Axis], attempt: Attempt, budget: Budget, known: Answers
    ) -> None:
        """Prepare probes of a model.

        Args:
            subject: the model with its example inputs.
            axes: the sizes that a point gives.
            attempt: runs one forward on inputs of given shapes.
            budget: the number of forwards that may be run.
            known: the answers of earlier probes, to which new ones are added.
        """
        self._budget = budget
        self._axes = tuple(axes)
        self._attempt = attempt
        self._shapes = subject.shapes
        self.base: Point = tuple(axis.size for axis in axes)
        """The point of the example."""
        self._known = known
        self._known[self.shapes(self.base)] = None

    @property
    def left(self) -> int:
        """The number of forwards that may still be run."""
        return self._budget.left

    def may_trace(self) -> bool:
        """Use up the cost of one trace, and return whether enough forwards were left for it."""
        if self.left < TRACE:
            return False
        self._budget.spend(TRACE)
        return True

    def accepts(self, point: Point) -> bool:
        """Return whether the forward runs at ``point``.

        Raises:
            TooManyProbesError: no forward is left.
        """
        return self.refusal(point) is None

    def refusal(self, point: Point) -> Refusal | None:
        """Return why the forward does not run at ``point``; None if it runs.

        Raises:
            TooManyProbesError: no forward is left.
        """
        shapes = self.shapes(point)
        if shapes not in self._known:
            self._budget.spend(1)
            self._known[shapes] = self._attempt(shapes)
        return self._known[shapes]

    def shapes(self, point: Point) -> tuple[Shape, ...]:
        """Return the shapes of the inputs at ``point``."""
        shapes = [list(shape) for shape in self._shapes]
        for axis, size in zip(self._axes, point, strict=True):
            for number, dim in axis.places:
                shapes[number][dim] = size
        return tuple(map(tuple, shapes))
