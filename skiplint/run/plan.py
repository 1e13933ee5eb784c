"""What a run has to do: the units of work that its targets come to, and how their results go together.

A run in which nothing has changed since the last one needs no more than this and the cache, so nothing here
needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiplint.run.gather import Gathering
from skiplint.run.outcome import Outcome
from skiplint.run.request import Request
from skiplint.run.workers import Unit
from skiplint.targets import folder_files


@dataclass(frozen=True)
class Plan:
    """What one target comes to."""

    target: str
    units: tuple[Unit, ...]

    @classmethod
    def of(cls, target: str, request: Request) -> Plan:
        """One unit for each file of a folder, and one for anything else, wrong targets too."""
        # Arguments for a whole folder are a mistake, which whoever resolves the target reports.
        files = None if request.args or request.kwargs else folder_files(target)
        if files is None:
            return cls(target, (Unit(target),))
        among = request.among
        wanted = [file for file in files if among is None or Path(file).resolve() in among]
        return cls(target, tuple(Unit(file, member=True) for file in wanted))

    def conclude(self, outcomes: Sequence[Outcome], gathering: Gathering) -> None:
        """Tell ``gathering``, which has all ``outcomes`` of the target's units, that there are no more."""
        if not any(outcome.is_model for outcome in outcomes):
            gathering.note(f"no model in {self.target}{_function_to_name(self.target)}")
        if Path(self.target).exists():
            for path in {outcome.report.path for outcome in outcomes if outcome.report.path}:
                gathering.complete_file(path)


def _function_to_name(target: str) -> str:
    """A hint at a function of the file that may make a model, though no annotation and no class say so."""
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
