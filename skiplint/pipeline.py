"""From targets to a report: the one place that joins the stages."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiplint.analysis.analysis import Analysis
from skiplint.config import Settings, validate_rules
from skiplint.graph import Location
from skiplint.linting.describe import describe_inputs
from skiplint.linting.registry import Registry, load_registry
from skiplint.linting.report import ModelReport, Report
from skiplint.linting.session import Session
from skiplint.resizing import ResizeError, Resizing, resize
from skiplint.version import __version__

if TYPE_CHECKING:
    import torch
    from torch import nn

    from skiplint.targets import ExampleInputs, ModelTarget, SkippedTarget
    from skiplint.targets.records import Device
    from skiplint.tracing import Subject

Progress = Callable[[str], None]
"""Called with the target of each model before it is built and traced."""


@dataclass(frozen=True, slots=True)
class Running:
    """How to run the models that are looked at."""

    resizing: Resizing = field(default_factory=Resizing)
    """Changes of the example inputs."""
    training: bool = False
    """In training mode; else in evaluation mode."""
    among: frozenset[Path] | None = None
    """Real paths of the files to look at in folders; None for all."""


def analyze(model: torch.nn.Module, *args: Any, **kwargs: Any) -> Analysis:
    """Trace ``model(*args, **kwargs)`` and return its analyses, each computed when first asked for."""
    from skiplint.tracing import Subject, trace

    return Analysis(trace(model, *args, **kwargs), Subject(model, args, kwargs))


def lint(model: torch.nn.Module, *args: Any, settings: Settings | None = None, **kwargs: Any) -> Report:
    """Trace ``model(*args, **kwargs)`` and run the rules over it.

    Args:
        model: the model, in the mode (train or eval) in which it is meant.
        *args: positional arguments of its forward.
        settings: what to run; None means every default. No configuration file is read.
        **kwargs: keyword arguments of its forward.

    Raises:
        TraceError: the model cannot be run with these inputs.
        ConfigError: ``settings`` name a rule or an option that does not exist.
    """
    from skiplint.tracing import Subject, caches_kept_clean, trace_or_recover

    session = _session(settings or Settings(), None)
    with caches_kept_clean():
        analysis = Analysis(trace_or_recover(model, args, kwargs), Subject(model, args, kwargs))
    kind = type(model)
    place = _class_place(kind)
    report = ModelReport(
        target=f"{kind.__module__}:{kind.__qualname__}",
        name=kind.__name__,
        path=place.path if place else None,
        line=place.line if place else None,
        status="traced",
        inputs=describe_inputs(analysis.graph, "given"),
    )
    session.add(analysis, report)
    return session.finish(__version__)


def check(
    targets: Sequence[str],
    settings: Settings | None = None,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
    progress: Progress = lambda _: None,
    running: Running = Running(),
    contracts: bool = False,
    session: Session | None = None,
) -> Report:
    """Lint everything that ``targets`` name: files, folders, ``module:attribute``, saved programs.

    Args:
        targets: what the user typed.
        settings: what to run; None means every default. No configuration file is read.
        args: positional arguments to build the models with.
        kwargs: keyword arguments to build the models with.
        registry: the rules there are; None means those of all installed packs.
        progress: called with the target of each model before it is traced.
        running: how the models are run, if not as they are meant.
        contracts: whether to find the input contract of every model, and not only where a rule asks for it.
        session: what gathers the traced models; None for one that runs the rules of ``registry``.

    Raises:
        ConfigError: ``settings`` name a rule or an option that does not exist.
    """
    settings = settings or Settings()
    session = session or _session(settings, registry, contracts=contracts)
    for target in targets:
        _check_target(session, target, settings, args, dict(kwargs or {}), progress, running)
    return session.finish(__version__)


def _session(settings: Settings, registry: Registry | None, *, contracts: bool = False) -> Session:
    registry = registry or load_registry()
    validate_rules(settings, registry)
    return Session(registry, settings.selection, settings.rules, contracts=contracts)


def _check_target(
    session: Session,
    target: str,
    settings: Settings,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    progress: Progress,
    running: Running,
) -> None:
    from skiplint.targets import SkippedTarget, TargetError, resolve

    try:
        items = resolve(target, models=settings.models, args=args, kwargs=kwargs, among=running.among)
    except TargetError as error:
        session.add_untraced(
            ModelReport(
                target=target, name=target, status="failed", reason=str(error), detail=error.verbose or ""
            )
        )
        return
    if not items:
        session.note(f"no model in {target}, nothing was linted there")
    for item in items:
        if isinstance(item, SkippedTarget):
            session.add_untraced(_skipped(item))
        else:
            progress(item.target)
            _check_model(session, item, running)
    if Path(target).exists():
        for path in {item.path for item in items if item.path}:
            session.whole_file(path)


def _check_model(session: Session, target: ModelTarget, running: Running) -> None:
    """Trace one model and run the rules; whatever it does, the other models are not harmed."""
    from skiplint.targets import TargetError
    from skiplint.tracing import TraceError

    try:
        analysis, inputs = _trace_target(target, running)
        described = describe_inputs(analysis.graph, inputs.source, inputs.why)
        session.add(analysis, _report(target, status="traced", inputs=described))
        return
    except (TargetError, TraceError) as error:
        reason, detail = str(error), error.verbose or ""
    except ResizeError as error:
        reason, detail = str(error), ""
    except SystemExit as error:
        reason, detail = f"its code ends the program (exit code {error.code})", _traceback(error)
    except Exception as error:
        said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        reason = f"skiplint itself failed on this model, please report it: {said}"
        detail = _traceback(error)
    session.add_untraced(_report(target, status="failed", reason=reason, detail=detail))


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _trace_target(target: ModelTarget, running: Running) -> tuple[Analysis, ExampleInputs]:
    """Build, find inputs and trace: without memory for weights where that works, else with real ones."""
    from skiplint.targets import TargetError
    from skiplint.tracing import TraceError

    try:
        return _trace_on(target, "meta", running)
    except TraceError as error:
        if not error.needs_values:
            raise
    except TargetError as error:
        traced = _trace_attempt(target, error.attempt)
        if traced is None:
            raise
        return traced
    return _trace_on(target, "cpu", running)


def _trace_attempt(
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


def _trace_on(target: ModelTarget, device: Device, running: Running) -> tuple[Analysis, ExampleInputs]:
    from skiplint.targets import TargetError, build, find_inputs
    from skiplint.tracing import dry_run, recovered, trace_call

    model = build(target, device=device).model

    def runs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception | None:
        return dry_run(model, args, kwargs)

    with target.environment():
        try:
            inputs = find_inputs(model, target, config=target.config, runs=runs)
        except TargetError as error:
            if error.attempt is None:
                raise
            inputs = error.attempt
            graph = recovered(model, inputs.args, inputs.kwargs, name=target.name)
            if graph is None:
                raise
            return Analysis(graph, _subject(target, model, inputs)), inputs
        resized = resize(inputs.args, inputs.kwargs, running.resizing)
        inputs = replace(inputs, args=resized[0], kwargs=resized[1])
        if running.training:
            model.train()
        graph = trace_call(model, inputs.args, inputs.kwargs, name=target.name)
    return Analysis(graph, _subject(target, model, inputs)), inputs


def _subject(target: ModelTarget, model: nn.Module, inputs: ExampleInputs) -> Subject:
    """The live model, for analyses that run it again; built with real weights only where one asks."""
    from skiplint.targets import build
    from skiplint.tracing import Subject

    return Subject(
        model,
        inputs.args,
        inputs.kwargs,
        name=target.name,
        realise=lambda: build(target, device="cpu").model,
        environment=target.environment,
    )


def _skipped(item: SkippedTarget) -> ModelReport:
    if item.error is None:
        return _report(item, status="skipped", reason=item.reason)
    return _report(item, status="failed", reason=str(item.error), detail=item.error.verbose or "")


def _report(item: ModelTarget | SkippedTarget, **more: Any) -> ModelReport:
    return ModelReport(
        target=item.target, name=item.name, path=str(item.path) if item.path else None, line=item.line, **more
    )


def _class_place(kind: type) -> Location | None:
    try:
        return Location(inspect.getsourcefile(kind) or "", inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):
        return None  # A class typed into a notebook or made at run time has no file.
