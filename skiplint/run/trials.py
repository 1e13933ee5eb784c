"""Trying the ways to construct a model until one can be traced."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from skiplint.sources.errors import at, describe
from skiplint.sources.owners import owner

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.graph import Fault
    from skiplint.targets import ExampleInputs, ModelTarget, Project, SkippedTarget
    from skiplint.targets.records import Arguments


class NotConstructedError(Exception):
    """No way to construct a model works; ``skipped`` is what to report."""

    def __init__(self, skipped: SkippedTarget) -> None:
        super().__init__(skipped.reason)
        self.skipped = skipped


class MisfitError(RuntimeError):
    """A model with guessed arguments runs, but shapes in it do not fit: most likely the guess is wrong."""


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
        self.failures: list[tuple[ModelTarget, Exception]] = []
        """The ways that did not work, in order, and why."""
        self.misfits: list[Trial] = []
        """Models with guessed arguments in which shapes do not fit."""
        self._ways = constructions(target, project)
        self._trace = trace
        self._last: Exception | None = None
        self._begun = False

    def another(self) -> Trial | None:
        """The next way that works; None where there is no more.

        With guessed arguments a model works only if all shapes in it fit.

        Raises:
            NotAModelError: what is called gives something else.
        """
        from skiplint.targets import NotAModelError, TargetError
        from skiplint.tracing import TraceError

        while True:
            try:
                way = self._ways.send(self._last) if self._begun else next(self._ways)
            except StopIteration:
                return None
            self._begun, self._last = True, None
            try:
                trial = Trial(way, *self._trace(way))
            except NotAModelError:
                raise  # Other arguments would not change that.
            except (TargetError, TraceError) as error:
                self._note(way, error)
                continue
            faults = trial.analysis.graph.faults
            if way.built_with.source == "guessed" and faults:
                self.misfits.append(trial)
                self._note(
                    way, MisfitError(faults[0].message or f"{faults[0].actual}, not {faults[0].expected}")
                )
                continue
            return trial

    def _note(self, way: ModelTarget, error: Exception) -> None:
        self._last = error
        self.failures.append((way, error))


def traced(trials: Trials) -> Trial:
    """The model of ``trials`` in the first way that works.

    A trace that had to go on after a failed operation counts at once where the author means these arguments,
    else only if there is no better one; with guessed arguments only if it does not depend on them.

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
    faulty = faulty or _whatever_the_guess(trials.misfits)
    if faulty is not None:
        return faulty
    if trials.target.unbuilt is not None:
        raise NotConstructedError(_explained(trials.target.unbuilt, trials))
    raise trials.failures[0][1]


# -- faults under guessed arguments -------------------------------------------------------------------


def _whatever_the_guess(misfits: list[Trial]) -> Trial | None:
    """A model whose faults are the same, number for number, in one with other guessed numbers everywhere."""
    for first, second in itertools.combinations(misfits, 2):
        if _all_differ(first, second) and _faults(first) == _faults(second):
            return first
    return None


def _faults(trial: Trial) -> list[tuple[object, ...]]:
    """Of each fault the place, and the sizes that do not fit."""
    graph = trial.analysis.graph
    return [
        (graph.operations[fault.operation].location, fault.kind, *_sizes(fault)) for fault in graph.faults
    ]


def _sizes(fault: Fault) -> Iterator[tuple[int, int]]:
    for expected, actual in zip(fault.expected, fault.actual, strict=False):
        if expected != actual:
            yield expected, actual


def _all_differ(first: Trial, second: Trial) -> bool:
    """Whether no number above 1 is the same in the arguments of both, and nothing else is in them."""
    numbers = [_numbers(trial.target.built_with.arguments()) for trial in (first, second)]
    if None in numbers:
        return False
    return not any(one == other for one, other in zip(*numbers, strict=False) if one is not None and one > 1)


def _numbers(arguments: Arguments) -> list[float] | None:
    """The numbers among arguments; None where there is an object, of which it is not known what it holds."""
    args, kwargs = arguments
    found: list[float] = []
    queue: list[Any] = [*args, *kwargs.values()]
    while queue:
        value = queue.pop(0)
        if isinstance(value, list | tuple):
            queue.extend(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(value)
        elif not isinstance(value, bool | str | None):
            return None
    return found


# -- what to say --------------------------------------------------------------------------------------


def _explained(skipped: SkippedTarget, trials: Trials) -> SkippedTarget:
    """``skipped``, with what the way that got furthest failed with; of equal ones the most telling source's.

    A model that was constructed as its project does it lacks inputs, not arguments: that is a failure. After
    a guess, its values are in the snippet.
    """
    from skiplint.targets import TargetError

    if not trials.failures:
        return skipped
    way, error = max(trials.failures, key=lambda each: _reached(each[1]))
    if way.built_with.source != "guessed" and _is_constructed(error):
        said = f"{error} (constructed as in {way.built_with.place})"
        return replace(skipped, reason=said, error=TargetError(said, verbose=getattr(error, "verbose", None)))
    explained = _with_failure(skipped, way, error)
    if skipped.error is None:
        return explained
    told = TargetError(
        str(skipped.error).replace(skipped.reason, explained.reason), verbose=skipped.error.verbose
    )
    return replace(explained, error=told)


def _with_failure(skipped: SkippedTarget, way: ModelTarget, error: Exception) -> SkippedTarget:
    """``skipped``, which says why one way did not work."""
    from skiplint.targets.snippets import with_values

    cause = error.__cause__ or error
    where = at(cause) if cause.__traceback__ is not None else ""
    if way.built_with.source != "guessed":
        return with_values(skipped, f"as in {way.built_with.place} fails ({describe(cause)}{where})", {})
    try:
        args, kwargs = way.built_with.arguments()
    except Exception:  # the guess that failed could not even be made
        args, kwargs = (), {}
    said = f"guessed arguments fail ({describe(cause)}{where})"
    return with_values(skipped, said, kwargs if not args else {})


def _reached(error: Exception) -> float:
    """How far a trial got: the line of the constructor at which it failed; beyond any line in a forward."""
    if _is_constructed(error):
        return float("inf")
    cause = error.__cause__ or error
    lines = [
        line
        for frame, line in traceback.walk_tb(cause.__traceback__)
        if owner(frame.f_code.co_filename) not in ("skiplint", "library")
    ]
    return lines[0] if lines else 0


def _is_constructed(error: Exception) -> bool:
    """Whether the model was built, and its forward is what failed."""
    from skiplint.tracing import TraceError

    return isinstance(error, MisfitError | TraceError) or getattr(error, "attempt", None) is not None
