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
from skiplint.analysis.faults.origins import is_between_inputs
from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.analysis.memory.resizing import ResizeError, resize
from skiplint.reporting.describe import describe_inputs
from skiplint.reporting.report import ModelReport
from skiplint.run.outcome import Outcome, untraced
from skiplint.run.request import Request
from skiplint.run.trials import NotConstructedError, Trial, Trials, traced
from skiplint.run.workers import Item, Listener, Unit, ran_out_of_memory
from skiplint.sources.footprint import Footprint, local_modules, record

if TYPE_CHECKING:
    from torch import nn

    from skiplint.graph import ModelGraph
    from skiplint.linting.finding import Finding
    from skiplint.targets import ExampleInputs, ModelTarget, SkippedTarget
    from skiplint.targets.records import Device
    from skiplint.tracing import Subject

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
                lost = failed(Item(unit.target, unit.target), str(error), error.verbose or "")
                listener.found([Item(unit.target, unit.target)])
                listener.made(0, lost)
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
            trial = traced(trials)
            stages.begin("it was analysed")
            outcome = self._outcome(trial)
            if trial.target.built_with.source == "guessed":
                outcome = self._confirmed(outcome, trials)
            return outcome
        except NotConstructedError as error:
            return _skipped(error.skipped)
        except (Exception, SystemExit) as error:
            reason, detail = _failure(error)
            if self._memory_limit and ran_out_of_memory(error):
                reason += memory_note(self._memory_limit)
            return failed(target, reason, detail)

    def _trials(self, target: ModelTarget, stages: _Stages) -> Trials:
        project = None if target.path is None else self._projects.of(Path(target.path))
        return Trials(target, project, lambda way: _traced(stages.noting(way), self._request))

    def _outcome(self, trial: Trial) -> Outcome:
        inputs = trial.inputs
        described = describe_inputs(trial.analysis.graph, inputs.source, inputs.why)
        return self._make(trial.analysis, _report(trial.target, status="traced", inputs=described))

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


def _identity(finding: Finding) -> tuple[str, object]:
    """What stays of a finding at other sizes: its rule and its place."""
    return finding.code, finding.location


def memory_note(limit: int) -> str:
    """What to add where memory ran out under a limit of so many bytes."""
    return f" (one model may take {byte_size(limit)}: --memory-limit)"


def _skipped(item: SkippedTarget) -> Outcome:
    if item.error is None:
        return untraced(_report(item, status="skipped", reason=item.reason))
    return failed(item, str(item.error), item.error.verbose or "")


def _report(item: Item | ModelTarget | SkippedTarget, **more: Any) -> ModelReport:
    return ModelReport(
        target=item.target, name=item.name, path=str(item.path) if item.path else None, line=item.line, **more
    )


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


# -- one model ----------------------------------------------------------------------------------------


def _traced(target: ModelTarget, request: Request) -> tuple[Analysis, ExampleInputs]:
    """Build ``target``, find inputs and trace it; without memory for weights where that works.

    Raises:
        TargetError: it cannot be built, or no inputs run.
        TraceError: its forward fails.
        ResizeError: the inputs cannot be resized as ``request`` asks.
    """
    from skiplint.targets import TargetError
    from skiplint.tracing import TraceError

    try:
        return _traced_on(target, "meta", request)
    except TraceError as error:
        if not error.needs_values:
            raise
    except TargetError as error:
        found = _traced_attempt(target, error.attempt)
        if found is None:
            raise
        return found
    return _traced_on(target, "cpu", request)


def _traced_attempt(
    target: ModelTarget, inputs: ExampleInputs | None
) -> tuple[Analysis, ExampleInputs] | None:
    """Run the most promising inputs once with real weights: some kernels only refuse to run without."""
    from skiplint.targets import TargetError, build
    from skiplint.tracing import TraceError, trace_call

    if inputs is None:
        return None
    try:
        model = build(target, device="cpu").model
        with target.environment():
            graph = trace_call(model, inputs.args, inputs.kwargs, name=target.name)
    except (TargetError, TraceError):
        return None
    return Analysis(graph, _subject(target, model, inputs)), inputs


def _traced_on(target: ModelTarget, device: Device, request: Request) -> tuple[Analysis, ExampleInputs]:
    from skiplint.targets import TargetError, build, find_inputs
    from skiplint.targets.records import FailedRun
    from skiplint.tracing import dry_run, needs_values, recovered, trace_call

    model = build(target, device=device).model

    def runs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> FailedRun | None:
        error = dry_run(model, args, kwargs)
        return None if error is None else FailedRun(error, needs_values(error))

    with target.environment():
        try:
            inputs = find_inputs(model, target, config=target.config, runs=runs)
        except TargetError as error:
            if error.attempt is None:
                raise
            inputs = error.attempt
            graph = recovered(model, inputs.args, inputs.kwargs, name=target.name)
            if graph is None or (inputs.source == "inferred" and _is_wrong_guess(graph)):
                raise
            return Analysis(graph, _subject(target, model, inputs)), inputs
        if inputs.broken is not None:
            graph = recovered(model, inputs.broken.args, inputs.broken.kwargs, name=target.name)
            if graph is not None and _fails_by_itself(graph):
                return Analysis(graph, _subject(target, model, inputs.broken)), inputs.broken
            inputs = replace(inputs, why=f"{inputs.why}; {inputs.broken.why}")
        resized = resize(inputs.args, inputs.kwargs, request.resizing)
        inputs = replace(inputs, args=resized[0], kwargs=resized[1])
        if request.training:
            model.train()
        graph = trace_call(model, inputs.args, inputs.kwargs, name=target.name)
    return Analysis(graph, _subject(target, model, inputs)), inputs


def _is_wrong_guess(graph: ModelGraph) -> bool:
    """Whether the model fails on the inferred inputs before anything but them has had a part in it."""
    return any(is_between_inputs(graph, fault) for fault in graph.faults)


def _fails_by_itself(graph: ModelGraph) -> bool:
    """Whether the first fault is between values of the model's own, not between a layer and the inputs.

    Else the call may be of a model that is constructed in another way.
    """
    return graph.faults[0].kind == "join" and not _is_wrong_guess(graph)


def _subject(target: ModelTarget, model: nn.Module, inputs: ExampleInputs) -> Subject:
    """The live model, for analyses that run it again; built with real weights only where one asks."""
    from skiplint.targets import build
    from skiplint.tracing import Subject

    return Subject(
        model,
        inputs.args,
        inputs.kwargs,
        name=target.name,
        realise=lambda seed: build(target, device="cpu", seed=seed).model,
        environment=target.environment,
    )
