"""Units of work carried out: their models found, traced and examined, and told of one by one.

In this process or, for :mod:`skiplint.run.workers`, in another; a :class:`Job` is what has to be sent there.
"""

from __future__ import annotations

import pkgutil
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from skiplint.analysis.memory.resizing import ResizeError
from skiplint.linting.registry import Registry
from skiplint.reporting.describe import describe_inputs
from skiplint.reporting.report import ModelReport
from skiplint.run.gather import Session
from skiplint.run.outcome import Outcome, untraced
from skiplint.run.plan import Carrier, Progress
from skiplint.run.running import Running, trace_target
from skiplint.run.workers import Unit, UnitResult, WorkerError
from skiplint.run.workers.messages import Event, Finished, Found, Made, Named, Working
from skiplint.settings.settings import Settings
from skiplint.sources.footprint import Footprint, local_modules, record

if TYPE_CHECKING:
    from torch import nn

    from skiplint.targets import ModelTarget, SkippedTarget


class Job(msgspec.Struct, frozen=True):
    """What all units of a run share."""

    settings: Settings
    args: list[Any]
    kwargs: dict[str, Any]
    running: Running
    rules: tuple[str, ...] = ()
    """Every rule there is, as ``module:class``."""
    texts: dict[str, str] = {}
    """By path, what files are imported as if they held."""

    def encode(self, registry: Registry) -> bytes:
        """As it is sent to another process.

        Raises:
            WorkerError: an argument or a rule that cannot be sent.
        """
        for rule in registry.rules:
            if rule.__module__ == "__main__" or "<locals>" in rule.__qualname__:
                raise WorkerError(
                    f"a worker process cannot import the rule {rule.code}; put it into a module"
                )
        names = tuple(f"{rule.__module__}:{rule.__qualname__}" for rule in registry.rules)
        return self._bytes(msgspec.structs.replace(self, rules=names))

    def identity(self) -> bytes:
        """What of it a result depends on."""
        here = {
            "fail_on",
            "per_file_ignores",
            "baseline",
            "cache",
            "cache_dir",
            "jobs",
            "timeout",
            "memory_limit",
        }
        fresh = {name: getattr(Settings(), name) for name in here}
        return self._bytes(
            msgspec.structs.replace(self, settings=msgspec.structs.replace(self.settings, **fresh))
        )

    @staticmethod
    def _bytes(job: Job) -> bytes:
        try:
            return msgspec.json.encode(job)
        except TypeError as error:
            raise WorkerError(f"arguments of a model must be plain values, as in JSON: {error}") from None


class Examiner:
    """Carries out units of work in this process, one after the other."""

    def __init__(self, job: Job, session: Session) -> None:
        """Look at models as ``job`` says, with the rules of ``session``, which gathers nothing here."""
        from skiplint.targets.models.importing import Workspaces

        self._job = job
        self._session = session
        # One for all units: a module that registers something must not be imported twice.
        self._workspaces = Workspaces()
        self._since = time.time()

    @classmethod
    def from_job(cls, content: bytes) -> Examiner:
        """For another process, from what :meth:`Job.encode` gave."""
        job = msgspec.json.decode(content, type=Job)
        registry = Registry(tuple(pkgutil.resolve_name(name) for name in job.rules))
        session = Session(
            registry, job.settings.selection, job.settings.rules, measuring=job.running.measuring
        )
        return cls(job, session)

    def carrier(self, progress: Progress) -> Carrier:
        """Carry out units here, without the protection of another process."""

        def carried(units: Sequence[Unit]) -> Iterator[tuple[int, UnitResult]]:
            for number, unit in enumerate(units):
                yield number, self._result(unit, progress)

        return carried

    def _result(self, unit: Unit, progress: Progress) -> UnitResult:
        found: list[Named] = []
        begun: set[int] = set()
        outcomes: list[Outcome] = []
        footprints: list[Footprint | None] = []

        def tell(event: Event) -> None:
            if isinstance(event, Found):
                found.extend(event.models)
            elif isinstance(event, Working) and event.model not in begun:
                begun.add(event.model)
                progress(found[event.model].target)
            elif isinstance(event, Made):
                outcomes.append(event.outcome)
            elif isinstance(event, Finished):
                footprints.append(event.footprint)

        self.carry_out(unit, tell)
        return UnitResult(tuple(outcomes), footprints[0])

    def carry_out(
        self, unit: Unit, tell: Callable[[Event], None], *, leave_out: frozenset[int] = frozenset()
    ) -> None:
        """Build, trace and examine the models of ``unit`` and tell of each; ``leave_out`` numbers others."""
        from skiplint.targets.models.overlay import sources_replaced

        with sources_replaced(self._job.texts):
            self._carry_out(unit, tell, leave_out)

    def _carry_out(self, unit: Unit, tell: Callable[[Event], None], leave_out: frozenset[int]) -> None:
        from skiplint.targets import SkippedTarget, TargetError

        before = local_modules()
        try:
            items = self._resolve(unit)
        except TargetError as error:
            lost = ModelReport(
                target=unit.target,
                name=unit.target,
                status="failed",
                reason=str(error),
                detail=error.verbose or "",
            )
            tell(Found((Named(unit.target, unit.target),)))
            tell(Made(0, untraced(lost)))
            tell(Finished())
            return
        tell(Found(tuple(Named(item.target, item.name, item.path, item.line) for item in items)))
        for number, item in enumerate(items):
            if number in leave_out:
                continue
            if isinstance(item, SkippedTarget):
                tell(Made(number, untraced(_skipped(item))))
            else:
                tell(Made(number, self._examine(item, partial(_tell_stage, tell, number))))
        tell(Finished(None if leave_out else self._footprint(unit, before)))

    def _resolve(self, unit: Unit) -> list[ModelTarget | SkippedTarget]:
        from skiplint.targets import resolve, resolve_member

        job = self._job
        if unit.member:
            return resolve_member(unit.target, models=job.settings.models, workspaces=self._workspaces)
        return resolve(
            unit.target,
            models=job.settings.models,
            args=job.args,
            kwargs=job.kwargs,
            workspaces=self._workspaces,
        )

    def _examine(self, target: ModelTarget, stage: Callable[[str], None]) -> Outcome:
        """Trace one model and run the rules; whatever it raises, the other models are not harmed."""
        from skiplint.analysis.gradients import GradientError
        from skiplint.targets import TargetError
        from skiplint.tracing import TraceError

        stage("it was built")

        def build() -> nn.Module:
            stage("it was built")
            model = target.build()
            stage("its forward ran")
            return model

        try:
            analysis, inputs = trace_target(replace(target, build=build), self._job.running)
            stage("it was analysed")
            described = describe_inputs(analysis.graph, inputs.source, inputs.why)
            return self._session.examine(analysis, _report(target, status="traced", inputs=described))
        except (TargetError, TraceError) as error:
            reason, detail = str(error), error.verbose or ""
        except (ResizeError, GradientError) as error:
            reason, detail = str(error), ""
        except MemoryError as error:
            reason, detail = "MemoryError: it ran out of memory", _traceback(error)
        except SystemExit as error:
            reason, detail = f"its code ends the program (exit code {error.code})", _traceback(error)
        except Exception as error:
            said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
            reason = f"skiplint itself failed on this model, please report it: {said}"
            detail = _traceback(error)
        return untraced(_report(target, status="failed", reason=reason, detail=detail))

    def _footprint(self, unit: Unit, before: set[str]) -> Footprint | None:
        from skiplint.targets import split_target

        location, _ = split_target(unit.target)
        is_file = Path(location).is_file()
        asked = set() if is_file else {location}
        return record([location] if is_file else [], asked | (local_modules() - before), since=self._since)


def _tell_stage(tell: Callable[[Event], None], model: int, stage: str) -> None:
    tell(Working(model, stage))


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _skipped(item: SkippedTarget) -> ModelReport:
    if item.error is None:
        return _report(item, status="skipped", reason=item.reason)
    return _report(item, status="failed", reason=str(item.error), detail=item.error.verbose or "")


def _report(item: ModelTarget | SkippedTarget, **more: Any) -> ModelReport:
    return ModelReport(
        target=item.target, name=item.name, path=str(item.path) if item.path else None, line=item.line, **more
    )
