"""Examine the models of one unit of work: build each, find inputs for it, trace it and run the rules.

A listener is told of each event as it happens, so that the results of the other models are kept if a model
ends the process.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiplint.analysis.analysis import Analysis
from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.analysis.memory.resizing import ResizeError
from skiplint.reporting.describe import describe_inputs
from skiplint.reporting.describe_construction import describe_construction
from skiplint.reporting.model_report import BuiltWithReport, ModelReport
from skiplint.run.outcome import Outcome, untraced
from skiplint.run.request import Request
from skiplint.run.traced_way import is_weightless, traced_way
from skiplint.run.trials import NotConstructedError, Trial, Trials, traced
from skiplint.run.workers import Item, Listener, Unit, ran_out_of_memory, whole
from skiplint.sources.footprint import Footprint, local_modules, record

if TYPE_CHECKING:
    from torch import nn

    from skiplint.linting.finding import Finding
    from skiplint.targets import ModelTarget, SkippedTarget

_WEIGHTLESS = "it has no weighted layer"
_SECONDS_FOR_PARTS = 15.0
_MOST_PARTS = 6
"""Of a model that cannot be constructed."""
OWN_FAILURE = "skiplint itself failed on this model, please report it"


class Examiner:
    """Examines units of work in this process, one after the other."""

    def __init__(
        self, request: Request, make: Callable[[Analysis, ModelReport], Outcome], *, memory_limit: int = 0
    ) -> None:
        """Set up what all units share.

        Args:
            request: how models are built and traced.
            make: the outcome of a traced model, of which the report holds target, place and inputs.
            memory_limit: bytes that this process may allocate, named where they are not enough; 0 for any.
        """
        from skiplint.targets import Projects
        from skiplint.targets.models.importing import Workspaces

        self._request = request
        self._make = make
        self._memory_limit = memory_limit
        # One for all units: a module that registers something must not be imported twice.
        self._workspaces = Workspaces()
        self._projects = Projects()
        self._since = time.time()

    def examine(self, unit: Unit, listener: Listener, leave_out: frozenset[int] = frozenset()) -> None:
        """Examine the models of ``unit`` but those with numbers in ``leave_out``; tell ``listener``."""
        from skiplint.targets import SkippedTarget, TargetError
        from skiplint.targets.models.overlay import sources_replaced

        before = local_modules()
        self._projects.start_noting()
        with sources_replaced(self._request.texts):
            try:
                items = self._resolve(unit)
            except TargetError as error:
                listener.found([whole(unit)])
                listener.made(0, failed(whole(unit), str(error), error.verbose or ""))
                listener.finished(None)
                return
            listener.found([Item(item.target, item.name, item.path, item.line) for item in items])
            for number, item in enumerate(items):
                if number in leave_out:
                    continue
                if isinstance(item, SkippedTarget):
                    listener.made(number, _skipped(item))
                else:
                    listener.made(number, self._examine(item, _Stages(listener, number)))
            listener.finished(None if leave_out else self._footprint(unit, before))

    def _resolve(self, unit: Unit) -> list[ModelTarget | SkippedTarget]:
        from skiplint.targets import resolve, resolve_member

        request = self._request
        models = request.settings.models
        if unit.member:
            return resolve_member(
                unit.target, models=models, workspaces=self._workspaces, projects=self._projects
            )
        return resolve(
            unit.target,
            models=models,
            args=request.args,
            kwargs=dict(request.kwargs),
            workspaces=self._workspaces,
            projects=self._projects,
        )

    def _examine(self, target: ModelTarget, stages: _Stages) -> Outcome:
        """Trace one model and make its outcome; whatever it raises, the other models are not harmed."""
        trials = self._trials(target, stages)
        try:
            return self._outcome_of(target, trials, stages)
        except NotConstructedError as error:
            return self._in_parts(target, error.skipped, stages)
        except (Exception, SystemExit) as error:
            reason, detail = _failure(error)
            if self._memory_limit and ran_out_of_memory(error):
                reason += memory_note(self._memory_limit)
            return failed(target, reason, detail)

    def _in_parts(self, target: ModelTarget, skipped: SkippedTarget, stages: _Stages) -> Outcome:
        """The outcome of a model that cannot be constructed, with its largest parts that can."""
        parts = self._traced_parts(target, stages, {target.target}, time.process_time() + _SECONDS_FOR_PARTS)
        if not parts:
            return _skipped(skipped)
        names = ", ".join(part.report.name for part in parts)
        linted = replace(skipped, reason=f"{skipped.reason}; linted instead: its parts {names}")
        return replace(_skipped(linted), parts=tuple(parts))

    def _traced_parts(
        self, target: ModelTarget, stages: _Stages, seen: set[str], until: float
    ) -> list[Outcome]:
        """Outcomes of the parts of ``target``; of a part that cannot be constructed, those of its parts."""
        from skiplint.targets import parts_of

        if target.path is None:
            return []
        found: list[Outcome] = []
        for part in parts_of(target, self._projects.of(Path(target.path))):
            if part.target in seen or len(found) >= _MOST_PARTS or time.process_time() > until:
                continue
            seen.add(part.target)
            trials = self._trials(part, stages)
            try:
                outcome = self._outcome_of(part, trials, stages)
            except (Exception, SystemExit):  # the entry of the whole says what fails
                found += self._traced_parts(part, stages, seen, until)
            else:
                found += [outcome] if outcome.is_model else []
                seen |= {each.target for each in parts_of(part, self._projects.of(Path(target.path)))}
        return found

    def _outcome_of(self, target: ModelTarget, trials: Trials, stages: _Stages) -> Outcome:
        """The outcome of the first way that works."""
        trial = traced(trials)
        if not target.named and is_weightless(trial.analysis.graph):
            report = _report(target, status="skipped", reason=_WEIGHTLESS)
            return replace(untraced(report), is_model=False)
        stages.begin("it was analysed")
        outcome = self._outcome(trial)
        return self._confirmed(outcome, trials) if trial.target.built_with.source == "guessed" else outcome

    def _trials(self, target: ModelTarget, stages: _Stages) -> Trials:
        project = None if target.path is None else self._projects.of(Path(target.path))
        return Trials(target, project, lambda way: traced_way(stages.noting(way), self._request))

    def _outcome(self, trial: Trial) -> Outcome:
        inputs = trial.inputs
        described = describe_inputs(trial.analysis.graph, inputs.source, inputs.why)
        report = _report(
            trial.target,
            status="traced",
            inputs=described,
            built_with=_built_with(trial.target),
            notes=tuple(dict.fromkeys((*trial.target.notes, *inputs.notes))),
        )
        return self._make(trial.analysis, report)

    def _confirmed(self, outcome: Outcome, trials: Trials) -> Outcome:
        """``outcome`` without findings that may come from guessed arguments and not from the model."""
        doubtful = [finding for finding in outcome.findings if finding.depends_on_sizes]
        if not doubtful:
            return outcome
        other = trials.another()
        held = set() if other is None else {_identity(finding) for finding in self._outcome(other).findings}
        kept = [f for f in outcome.findings if not f.depends_on_sizes or _identity(f) in held]
        return replace(outcome, findings=tuple(kept))

    def _footprint(self, unit: Unit, before: set[str]) -> Footprint | None:
        from skiplint.targets import split_target

        location, _ = split_target(unit.target)
        is_file = Path(location).is_file()
        asked = set() if is_file else {location}
        return record(
            [location] if is_file else [],
            asked | (local_modules() - before),
            since=self._since,
            mentions=self._projects.asked(),
        )


class _Stages:
    """Tells the listener what is being done with one model."""

    def __init__(self, listener: Listener, number: int) -> None:
        self._listener = listener
        self._number = number

    def begin(self, stage: str) -> None:
        self._listener.working(self._number, stage)

    def noting(self, target: ModelTarget) -> ModelTarget:
        """``target``, which tells when it is built and when that is done."""

        def build() -> nn.Module:
            self.begin("it was built")
            model = target.build()
            self.begin("its forward ran")
            return model

        self.begin("it was built")
        return replace(target, build=build)


def failed(item: Item | ModelTarget | SkippedTarget, reason: str, detail: str = "") -> Outcome:
    """The outcome of a model that failed: ``reason`` is one line, ``detail`` a traceback."""
    return untraced(_report(item, status="failed", reason=reason, detail=detail))


def nameless(unit: Unit) -> tuple[Outcome, ...] | None:
    """The failure of a unit whose name is no valid Unicode, so that nobody can be told of it; else None."""
    shown = unit.target.encode("utf-8", "backslashreplace").decode()
    if shown == unit.target:
        return None
    reason = f"{shown}: its name is no text in UTF-8, so it cannot be linted; rename it"
    return (failed(Item(shown, shown), reason),)


def _identity(finding: Finding) -> tuple[str, object]:
    """What stays of a finding at other sizes: its rule and its place."""
    return finding.code, finding.location


def memory_note(limit: int) -> str:
    """What to add where memory ran out under a limit of so many bytes."""
    return f" (one model may take {byte_size(limit)}: --memory-limit)"


def _skipped(item: SkippedTarget) -> Outcome:
    if item.error is None:
        return untraced(_report(item, status="skipped", reason=item.reason, configuration=item.snippet))
    return failed(item, str(item.error), item.error.verbose or "")


def _report(item: Item | ModelTarget | SkippedTarget, **more: Any) -> ModelReport:
    return ModelReport(
        target=item.target, name=item.name, path=str(item.path) if item.path else None, line=item.line, **more
    )


def _built_with(target: ModelTarget) -> BuiltWithReport:
    from skiplint.targets import arguments_of

    given, arguments = target.built_with, arguments_of(target)
    if arguments is None:  # They were evaluated once already, to build the model.
        arguments = (("arguments that cannot be evaluated twice",), {})
    return describe_construction(given.source, given.place, arguments)


def _failure(error: BaseException) -> tuple[str, str]:
    """Why a model failed, in one line, and the traceback for ``--verbose``."""
    from skiplint.analysis.gradients import GradientError
    from skiplint.targets import TargetError
    from skiplint.tracing import TraceError

    if isinstance(error, TargetError | TraceError):
        return str(error), error.verbose or ""
    if isinstance(error, ResizeError | GradientError):
        return str(error), ""
    detail = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError):
        return "MemoryError: it ran out of memory", detail
    if isinstance(error, SystemExit):
        return f"its code ends the program (exit code {error.code})", detail
    if ran_out_of_memory(error):  # What the model holds, skiplint lacks.
        return "it ran out of memory", detail
    said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return f"{OWN_FAILURE}: {said}", detail
