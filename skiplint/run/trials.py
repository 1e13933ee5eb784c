"""Trying the ways to construct a model until one can be traced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.targets import ExampleInputs, ModelTarget, Project, SkippedTarget


class NotConstructedError(Exception):
    """No way to construct a model works; ``skipped`` is what to report."""

    def __init__(self, skipped: SkippedTarget) -> None:
        super().__init__(skipped.reason)
        self.skipped = skipped


@dataclass(frozen=True)
class Trial:
    """A traced model: constructed in one of the ways there are."""

    target: ModelTarget
    analysis: Analysis
    inputs: ExampleInputs


class Trials:
    """Tries the ways to construct one model, one after the other."""

    def __init__(
        self,
        target: ModelTarget,
        project: Project | None,
        trace: Callable[[ModelTarget], tuple[Analysis, ExampleInputs]],
    ) -> None:
        """Set up the trials of ``target``.

        Args:
            target: the model.
            project: the files in which its arguments may be found.
            trace: builds and traces it in the way that it is given.
        """
        from skiplint.targets import constructions

        self.target = target
        self.failures: list[Exception] = []
        """Of the ways that did not work, in order."""
        self._ways = constructions(target, project)
        self._trace = trace
        self._last: Exception | None = None
        self._begun = False

    def another(self) -> Trial | None:
        """The next way that works; None where there is no more."""
        from skiplint.targets import TargetError
        from skiplint.tracing import TraceError

        while True:
            try:
                way = self._ways.send(self._last) if self._begun else next(self._ways)
            except StopIteration:
                return None
            self._begun, self._last = True, None
            try:
                return Trial(way, *self._trace(way))
            except (TargetError, TraceError) as error:
                self._last = error
                self.failures.append(error)


def traced(trials: Trials) -> Trial:
    """The model of ``trials`` in the first way that works.

    A trace that had to go on after a failed operation counts at once where the author means these arguments,
    else only if there is no better one.

    Raises:
        NotConstructedError: its arguments are not known, and nothing that was tried works.
        TargetError: it cannot be built as its author means it, or no inputs run.
        TraceError: its forward fails.
    """
    faulty: Trial | None = None
    while (trial := trials.another()) is not None:
        if trial.target.built_with.meant or not trial.analysis.graph.faults:
            return trial
        faulty = faulty or trial
    if faulty is not None:
        return faulty
    if trials.target.unbuilt is not None:
        raise NotConstructedError(trials.target.unbuilt)
    raise trials.failures[0]
