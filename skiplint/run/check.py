"""Lint models: plan the work, examine what the cache does not have, gather one report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skiplint.linting.registry import Registry, load_registry
from skiplint.reporting.report import ModelReport, Report
from skiplint.run.course import Course, UnitListener
from skiplint.run.examine import Examiner, nameless
from skiplint.run.follower import Follower
from skiplint.run.gather import Gathering
from skiplint.run.interruption import Interrupted
from skiplint.run.outcome import Outcome, UnitResult, outcome_of
from skiplint.run.plan import Plan
from skiplint.run.processes import examine_here, examine_in_workers
from skiplint.run.request import Request
from skiplint.run.workers import Unit, Workers
from skiplint.settings.settings import Settings, validate_rules

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.run.cache import Cache

MakeOutcome = Callable[["Analysis", ModelReport], Outcome]


def check(
    request: Request,
    *,
    registry: Registry | None = None,
    workers: Workers | None = None,
    cache: Cache | None = None,
    follower: Follower | None = None,
    make: MakeOutcome | None = None,
) -> Report:
    """Lint everything that the targets of ``request`` name.

    A run that :class:`~skiplint.run.interruption.Interrupted` ends gives the report of what was done by then.

    Args:
        request: what to lint, and what to find out.
        registry: the rules there are; None means those of all installed packs.
        workers: run the models in processes of their own, within these limits; None means in this one.
        cache: where results of earlier runs are, if they may be used.
        follower: is told how the run goes.
        make: what to do with each traced model instead of running the rules; in this process, without cache.

    Raises:
        ConfigError: the settings name a rule or an option that does not exist.
        WorkerError: worker processes cannot be started, or an argument is no plain value that can be sent
            to one.
    """
    if make is not None:
        workers = cache = None
    elif request.texts:  # This process may have imported the files as they are.
        workers, cache = workers or Workers(jobs=1), None
    gathering = gathering_for(request.settings, registry)
    if cache is not None:
        cache.bind(request, gathering.rules)
    plans = [Plan.of(target, request) for target in request.targets]
    course = Course(plans, gathering, follower or Follower())
    try:
        left = _not_known(course, cache)
        if left:
            keep = cache.keep if cache is not None else _drop

            def listen(unit: Unit) -> UnitListener:
                return course.listener(unit, keep)

            if workers is not None:
                examine_in_workers(left, request, gathering.registry, workers, listen)
            else:
                rules = gathering.rules
                examiner = Examiner(
                    request, make or (lambda analysis, report: outcome_of(analysis, report, rules, request))
                )
                examine_here(left, examiner, listen)
        course.gather()
    except Interrupted as error:
        course.cut_short(error.signal)
    if cache is not None:
        cache.tidy()
        for text in cache.notes:
            gathering.note(text)
    return gathering.report()


def _not_known(course: Course, cache: Cache | None) -> list[Unit]:
    """The units to examine; ``course`` gets the results of those in ``cache`` and of those without a name."""
    left = []
    for unit in course.units:
        outcomes = nameless(unit)
        if outcomes is None and cache is not None:
            outcomes = cache.find(unit)
        if outcomes is None:
            left.append(unit)
        else:
            course.recall(unit, outcomes)
    return left


def _drop(unit: Unit, result: UnitResult) -> None:
    """Keep nothing: there is no cache."""


def gathering_for(settings: Settings, registry: Registry | None = None) -> Gathering:
    """A new report of the rules that ``settings`` choose among those of ``registry``, or of all packs.

    Raises:
        ConfigError: ``settings`` name a rule or an option that does not exist.
    """
    registry = registry or load_registry()
    validate_rules(settings, registry)
    return Gathering(registry, settings)
