"""Lint models: plan the work, examine what the cache does not have, gather one report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from skiplint.linting.registry import Registry, load_registry
from skiplint.reporting.report import ModelReport, Report
from skiplint.run.examine import Examiner
from skiplint.run.gather import Gathering
from skiplint.run.outcome import Outcome, UnitResult, outcome_of
from skiplint.run.plan import Plan
from skiplint.run.processes import examine_here, examine_in_workers
from skiplint.run.request import Request
from skiplint.run.workers import Unit, Workers
from skiplint.settings.settings import Settings, validate_rules

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.run.cache import Cache

Progress = Callable[[str], None]
"""Called with the target of each model before it is built and traced."""
MakeOutcome = Callable[["Analysis", ModelReport], Outcome]


def check(
    request: Request,
    *,
    registry: Registry | None = None,
    workers: Workers | None = None,
    cache: Cache | None = None,
    progress: Progress = lambda _: None,
    make: MakeOutcome | None = None,
) -> Report:
    """Lint everything that the targets of ``request`` name.

    Args:
        request: what to lint, and what to find out.
        registry: the rules there are; None means those of all installed packs.
        workers: run the models in processes of their own, within these limits; None means in this one.
        cache: where results of earlier runs are, if they may be used.
        progress: called with the target of each model before it is built.
        make: what to do with each traced model instead of running the rules; in this process, without cache.

    Raises:
        ConfigError: the settings name a rule or an option that does not exist.
        WorkerError: worker processes cannot be started, or an argument is no plain value that can be sent
            to one.
    """
    if make is not None:
        workers = cache = None
    if request.texts:  # This process may have imported the files as they are.
        workers, cache = workers or Workers(jobs=1), None
    gathering = gathering_for(request.settings, registry)
    if cache is not None:
        cache.bind(request, gathering.rules)
    plans = [Plan.of(target, request) for target in request.targets]
    units = list(dict.fromkeys(unit for plan in plans for unit in plan.units))

    def examine(units: Sequence[Unit]) -> Iterator[tuple[int, UnitResult]]:
        if workers is not None:
            return examine_in_workers(units, request, gathering.registry, workers, progress)
        rules = gathering.rules
        examiner = Examiner(
            request, make or (lambda analysis, report: outcome_of(analysis, report, rules, request))
        )
        return examine_here(units, examiner, progress)

    results = _results(units, examine, cache)
    for plan in plans:
        plan.gather(results, gathering)
    for text in cache.notes if cache is not None else ():
        gathering.note(text)
    return gathering.report()


def gathering_for(settings: Settings, registry: Registry | None = None) -> Gathering:
    """A new report of the rules that ``settings`` choose among those of ``registry``, or of all packs.

    Raises:
        ConfigError: ``settings`` name a rule or an option that does not exist.
    """
    registry = registry or load_registry()
    validate_rules(settings, registry)
    return Gathering(registry, settings)


def _results(
    units: Sequence[Unit],
    examine: Callable[[Sequence[Unit]], Iterable[tuple[int, UnitResult]]],
    cache: Cache | None,
) -> dict[Unit, UnitResult]:
    """The result of each unit: from ``cache`` where it is there, else from ``examine``, and kept then."""
    if cache is None:
        return {units[number]: result for number, result in examine(units)} if units else {}
    results = {unit: UnitResult(found, None) for unit in units if (found := cache.find(unit)) is not None}
    left = [unit for unit in units if unit not in results]
    if left:
        for number, result in examine(left):
            results[left[number]] = result
            cache.keep(left[number], result)
        cache.tidy()
    return results
