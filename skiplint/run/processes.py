"""Examine units of work in this process, or in worker processes, which end alone when a model ends them."""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable, Iterator, Sequence

import msgspec

from skiplint.linting.registry import Registry
from skiplint.linting.selection import choose_rules
from skiplint.run.examine import OWN_FAILURE, Examiner, failed, memory_note
from skiplint.run.outcome import Outcome, UnitResult, outcome_of
from skiplint.run.request import Request, encoded
from skiplint.run.workers import Item, Lost, Pool, Unit, Work, WorkerError, Workers
from skiplint.sources.footprint import Footprint

_ENTRY = "skiplint.run.processes:prepare_worker"


class _Setup(msgspec.Struct, frozen=True):
    """What a worker needs for all of its units."""

    request: Request
    rules: tuple[str, ...]
    """Every rule there is, as ``module:class``."""
    memory_limit: int


def examine_here(
    units: Sequence[Unit], examiner: Examiner, progress: Callable[[str], None]
) -> Iterator[tuple[int, UnitResult]]:
    """Examine ``units`` in this process; give the number and the result of each.

    Args:
        units: what to examine, in this order.
        examiner: examines them.
        progress: called with the target of each model before it is built.
    """
    for number, unit in enumerate(units):
        told = _Told(progress)
        examiner.examine(unit, told)
        yield number, UnitResult(tuple(told.outcomes), told.footprint)


class _Told:
    """A listener that keeps what it is told."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.outcomes: list[Outcome] = []
        self.footprint: Footprint | None = None
        self._progress = progress
        self._items: Sequence[Item] = ()
        self._begun: set[int] = set()

    def found(self, items: Sequence[Item]) -> None:
        self._items = items

    def working(self, item: int, stage: str) -> None:
        del stage
        if item not in self._begun:
            self._begun.add(item)
            self._progress(self._items[item].target)

    def made(self, item: int, result: Outcome) -> None:
        del item
        self.outcomes.append(result)

    def finished(self, result: Footprint | None) -> None:
        self.footprint = result


def examine_in_workers(
    units: Sequence[Unit],
    request: Request,
    registry: Registry,
    workers: Workers,
    progress: Callable[[str], None],
) -> Iterator[tuple[int, UnitResult]]:
    """Examine ``units`` in worker processes; give the number and the result of each when it is done.

    Args:
        units: what to examine; results come in any order.
        request: how models are built and traced, and what to find out.
        registry: the rules there are, of which the settings of ``request`` choose.
        workers: how many processes there are, and their limits.
        progress: called with the target of each model before it is built.

    Raises:
        WorkerError: no process can be started, or an argument or a rule cannot be sent to one.
    """
    setup = _Setup(request.for_units(), _rule_names(registry), workers.memory_limit)
    read_outcome = msgspec.json.Decoder(Outcome).decode
    read_footprint = msgspec.json.Decoder(Footprint | None).decode
    with Pool(workers, _ENTRY, encoded(setup), progress) as pool:
        for number, done in pool.run(units):
            outcomes = tuple(
                _outcome_of_lost(result, workers.memory_limit)
                if isinstance(result, Lost)
                else read_outcome(result)
                for result in done.results
            )
            yield number, UnitResult(outcomes, None if done.end is None else read_footprint(done.end))


def _rule_names(registry: Registry) -> tuple[str, ...]:
    for rule in registry.rules:
        if rule.__module__ == "__main__" or "<locals>" in rule.__qualname__:
            raise WorkerError(f"a worker process cannot import the rule {rule.code}; put it into a module")
    return tuple(f"{rule.__module__}:{rule.__qualname__}" for rule in registry.rules)


def _outcome_of_lost(lost: Lost, memory_limit: int) -> Outcome:
    if lost.unsendable:
        return failed(lost.item, f"{OWN_FAILURE}: {lost.reason}")
    note = memory_note(memory_limit) if lost.out_of_memory and memory_limit else ""
    return failed(lost.item, f"{lost.reason}{note} while {lost.while_doing}", lost.detail)


# -- in a worker process ------------------------------------------------------------------------------


def prepare_worker(threads: int) -> Callable[[bytes], Work]:
    """Import what every model needs, so that it is there already in each forked process.

    Args:
        threads: how many threads torch may use; 0 leaves that to torch.

    Returns:
        What examines units, by the setup of the run.
    """
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
    import torch
    from torch import nn

    from skiplint.analysis.analysis import Analysis
    from skiplint.tracing import trace

    if threads:
        torch.set_num_threads(threads)
    # Torch and the analyses import a good part of what they need when they first run.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny = Analysis(trace(nn.Linear(2, 2, device="meta"), torch.empty(1, 2, device="meta")))
        _ = tiny.skips, tiny.memory, tiny.paths
    return _work


def _work(content: bytes) -> Work:
    setup = msgspec.json.decode(content, type=_Setup)
    request = setup.request
    registry = Registry(tuple(pkgutil.resolve_name(name) for name in setup.rules))
    rules = choose_rules(registry, request.settings.selection, request.settings.rules)
    examiner = Examiner(
        request,
        lambda analysis, report: outcome_of(analysis, report, rules, request),
        memory_limit=setup.memory_limit,
    )
    return examiner.examine
