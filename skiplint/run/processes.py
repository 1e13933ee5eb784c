"""Examine units of work in this process, or in worker processes, which end alone when a model ends them."""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable, Sequence

import msgspec

from skiplint.linting.registry import Registry
from skiplint.linting.selection import choose_rules
from skiplint.run.examine import OWN_FAILURE, Examiner, failed, memory_note
from skiplint.run.outcome import Outcome, outcome_of
from skiplint.run.request import Request, encoded
from skiplint.run.workers import (
    Completed,
    Found,
    Happening,
    ItemDone,
    Listener,
    Lost,
    Pool,
    Unit,
    Work,
    WorkerError,
    Workers,
    Working,
)
from skiplint.sources.footprint import Footprint

_ENTRY = "skiplint.run.processes:prepare_worker"
_READ_OUTCOME = msgspec.json.Decoder(Outcome).decode
_READ_FOOTPRINT = msgspec.json.Decoder(Footprint | None).decode


class _Setup(msgspec.Struct, frozen=True):
    """What a worker needs for all of its units."""

    request: Request
    rules: tuple[str, ...]
    """Every rule there is, as ``module:class``."""
    memory_limit: int


def examine_here(units: Sequence[Unit], examiner: Examiner, listen: Callable[[Unit], Listener]) -> None:
    """Examine ``units`` in this process, in their order.

    Args:
        units: what to examine.
        examiner: examines them.
        listen: who is told of what happens to a unit.
    """
    for unit in units:
        examiner.examine(unit, listen(unit))


def examine_in_workers(
    units: Sequence[Unit],
    request: Request,
    registry: Registry,
    workers: Workers,
    listen: Callable[[Unit], Listener],
) -> None:
    """Examine ``units`` in worker processes.

    Args:
        units: what to examine, in any order.
        request: how models are built and traced, and what to find out.
        registry: the rules there are, of which the settings of ``request`` choose.
        workers: how many processes there are, and their limits.
        listen: who is told of what happens to a unit.

    Raises:
        WorkerError: no process can be started, or an argument or a rule cannot be sent to one.
    """
    setup = _Setup(request.for_units(), _rule_names(registry), workers.memory_limit)
    listeners = [listen(unit) for unit in units]
    with Pool(workers, _ENTRY, encoded(setup)) as pool:
        for number, happening in pool.run(units):
            _tell(listeners[number], happening, workers.memory_limit)


def _tell(listener: Listener, happening: Happening, memory_limit: int) -> None:
    match happening:
        case Found(items):
            listener.found(items)
        case Working(item, stage):
            listener.working(item, stage)
        case ItemDone(item, result):
            if isinstance(result, Lost):
                listener.made(item, _outcome_of_lost(result, memory_limit))
            else:
                listener.made(item, _READ_OUTCOME(result))
        case Completed(end):
            listener.finished(None if end is None else _READ_FOOTPRINT(end))


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
