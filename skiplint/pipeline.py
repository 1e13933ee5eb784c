"""From targets to a report: the one place that joins the stages.

:func:`check` says what is to be done and gathers what comes of it; an Examiner does it, in this process or in
workers.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skiplint.analysis.analysis import Analysis
from skiplint.config import Settings, validate_rules
from skiplint.examining import Examiner, Job
from skiplint.graph import Location
from skiplint.linting.describe import describe_inputs
from skiplint.linting.measuring import Measuring
from skiplint.linting.registry import Registry, load_registry
from skiplint.linting.report import ModelReport, Report
from skiplint.linting.session import Session
from skiplint.running import Running
from skiplint.runs import Plan, Progress, carried_by, carry_out
from skiplint.version import __version__
from skiplint.workers import Pool, Workers

if TYPE_CHECKING:
    import torch

    from skiplint.cache import Cache


__all__ = ["Progress", "Running", "analyze", "check", "lint"]


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
    running: Running = Running(),  # noqa: B008 - frozen
    workers: Workers | None = None,
    cache: Cache | None = None,
    session: Session | None = None,
    texts: Mapping[str, str] | None = None,
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
        workers: run the models in processes of their own, within these limits; None means in this one.
        cache: where results of earlier runs are, if they may be used.
        session: what examines the traced models here, without workers and cache; None for one that runs the
            rules of ``registry``.
        texts: by path, what files are imported as if they held; without cache, and in workers, since this
            process may have imported them as they are.

    Raises:
        ConfigError: ``settings`` name a rule or an option that does not exist.
        WorkerError: worker processes cannot be started, or an argument is no plain value that can be sent
            to one.
    """
    settings = settings or Settings()
    if session is not None:
        workers = cache = None
    if texts:
        workers, cache = workers or Workers(jobs=1), None
    session = session or _session(settings, registry, running.measuring)
    plans = [Plan.of(target, has_arguments=bool(args or kwargs), among=running.among) for target in targets]
    job = Job(
        settings,
        list(args),
        dict(kwargs or {}),
        dataclasses.replace(running, among=None),
        texts=dict(texts or {}),
    )
    if cache is not None:
        cache.bind(job.identity(), session.rules)
    if workers is None:
        carrier = Examiner(job, session).carrier(progress)
    else:
        carrier = carried_by(Pool(workers, job.encode(session.registry), progress))
    results = carry_out(
        list(dict.fromkeys(unit for plan in plans for unit in plan.units)), carrier, cache=cache
    )
    for plan in plans:
        plan.gather(session, results)
    for text in cache.notes if cache is not None else ():
        session.note(text)
    return session.finish(__version__)


def _session(
    settings: Settings,
    registry: Registry | None,
    measuring: Measuring = Measuring(),  # noqa: B008 - frozen
) -> Session:
    registry = registry or load_registry()
    validate_rules(settings, registry)
    return Session(registry, settings.selection, settings.rules, measuring=measuring)


def _class_place(kind: type) -> Location | None:
    if kind.__module__.startswith("torch."):
        return None  # A container of torch's own: that it is written there helps nobody.
    try:
        return Location(inspect.getsourcefile(kind) or "", inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):
        return None  # A class typed into a notebook or made at run time has no file.
