"""From targets to a report: the one place that joins the stages.

:func:`check` says what is to be done and gathers what comes of it; an Examiner does it, in this process or in
workers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skiplint.linting.registry import Registry, load_registry
from skiplint.reporting.report import Report
from skiplint.run.examine import Examiner, Job
from skiplint.run.gather import Session
from skiplint.run.plan import Plan, Progress, carried_by, carry_out
from skiplint.run.request import Measuring
from skiplint.run.running import Running
from skiplint.run.workers import Pool, Workers
from skiplint.settings.settings import Settings, validate_rules
from skiplint.version import __version__

if TYPE_CHECKING:
    from skiplint.run.cache import Cache


__all__ = ["Progress", "Running", "check", "session_of"]


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
    session = session or session_of(settings, registry, running.measuring)
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


def session_of(
    settings: Settings,
    registry: Registry | None,
    measuring: Measuring = Measuring(),  # noqa: B008 - frozen
) -> Session:
    """A session with the rules that ``settings`` choose among those of ``registry``, or of all packs.

    Raises:
        ConfigError: ``settings`` name a rule or an option that does not exist.
    """
    registry = registry or load_registry()
    validate_rules(settings, registry)
    return Session(registry, settings.selection, settings.rules, measuring=measuring)
