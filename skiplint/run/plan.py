"""One run: the units of work that the targets come to, and where each is carried out.

What a run with nothing changed costs is all here, so nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from skiplint.reporting.report import ModelReport
from skiplint.run.cache import Cache
from skiplint.run.gather import Session
from skiplint.run.workers import Pool, Unit, UnitResult
from skiplint.targets import folder_files, parts_elsewhere

Progress = Callable[[str], None]
"""Called with the target of each model before it is built and traced."""

Carrier = Callable[[Sequence[Unit]], Iterable[tuple[int, UnitResult]]]
"""Carries out units, and gives the number and the result of each when it is done."""


@dataclass(frozen=True)
class Plan:
    """What one target comes to."""

    target: str
    units: tuple[Unit, ...]
    files: tuple[str, ...] = ()
    """All files of a folder, also those that are not looked at."""

    @classmethod
    def of(cls, target: str, *, has_arguments: bool = False, among: frozenset[Path] | None = None) -> Plan:
        """A unit a file of a folder, and one for anything else, wrong targets too.

        With ``among``, only files of the folder with these real paths.
        """
        # Arguments for a whole folder are a mistake, which whoever resolves the target reports.
        files = None if has_arguments else folder_files(target)
        if files is None:
            return cls(target, (Unit(target),))
        wanted = [file for file in files if among is None or Path(file).resolve() in among]
        return cls(target, tuple(Unit(file, member=True) for file in wanted), tuple(files))

    def gather(self, session: Session, results: Mapping[Unit, UnitResult]) -> None:
        """Add what came of the target to ``session``, in the order of its files and their models."""
        outcomes = [outcome for unit in self.units for outcome in results[unit].outcomes]
        parts = [_part(outcome.report) for outcome in outcomes if outcome.report.status == "skipped"]
        elsewhere = parts_elsewhere(parts, self.files) if self.files else set()
        wanted = [outcome for outcome in outcomes if _part(outcome.report) not in elsewhere]
        if not wanted:
            session.note(
                f"no model in {self.target}, nothing was linted there{_function_to_name(self.target)}"
            )
        for outcome in wanted:
            session.keep(outcome)
        if Path(self.target).exists():
            for path in {outcome.report.path for outcome in wanted if outcome.report.path}:
                session.whole_file(path)


def _function_to_name(target: str) -> str:
    """A function of the file that may make a model, though neither its annotation nor a class tells."""
    from skiplint.targets.models.syntax import parse
    from skiplint.targets.records import TargetError

    path = Path(target)
    if not path.is_file() or path.suffix != ".py":
        return ""
    try:
        name = parse(path).may_make_model()
    except TargetError:
        return ""
    return f"; if {name} makes one, name it, as in {target}:{name}" if name else ""


def _part(report: ModelReport) -> tuple[str, str]:
    return report.path or "", report.name


def carry_out(
    units: Sequence[Unit], carrier: Carrier, *, cache: Cache | None = None
) -> dict[Unit, UnitResult]:
    """The result of each unit: from ``cache`` where it is there, else from ``carrier``."""
    results: dict[Unit, UnitResult] = {}
    if cache is not None:
        for unit in units:
            outcomes = cache.find(unit)
            if outcomes is not None:
                results[unit] = UnitResult(outcomes, None)
    left = [unit for unit in units if unit not in results]
    if not left:
        return results
    for number, result in carrier(left):
        results[left[number]] = result
        if cache is not None:
            cache.keep(left[number], result.outcomes, result.footprint)
    if cache is not None:
        cache.tidy()
    return results


def carried_by(pool: AbstractContextManager[Pool]) -> Carrier:
    """Carry out units in the processes of ``pool``, which end with the last unit."""

    def carrier(units: Sequence[Unit]) -> Iterable[tuple[int, UnitResult]]:
        with pool as running:
            yield from running.run(units)

    return carrier
