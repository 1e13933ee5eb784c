"""Findings as data; :mod:`skiplint.reporting.formats` turns them into text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from skiplint.analysis.faults.remedy import Remedy
from skiplint.graph import Location

Shape = tuple[int, ...]


class Severity(Enum):
    """How much a finding matters, in rising order."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for info, more for worse."""
        return list(Severity).index(self)

    def at_least(self, other: Severity) -> bool:
        """Whether this is as bad as ``other`` or worse."""
        return self.rank >= other.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong at one place of one model."""

    code: str
    name: str
    severity: Severity
    message: str
    """One sentence that says what is wrong here."""
    location: Location | None = None
    model: str | None = None
    """Target of the model it was found in; None where no model is meant."""
    node: str | None = None
    """Id of the operation it is about."""
    expected: str | None = None
    actual: str | None = None
    suggestion: str | None = None
    """What to do about it."""
    fix: Remedy | None = None
    """The same as one mechanical change, where there is one that was checked."""
    url: str | None = None
    shapes: tuple[Shape, ...] = ()
    """Shapes of the operands that meet at the node."""
    anchors: tuple[Location, ...] = ()
    """Further places, such as the class, where a suppression comment counts; not in the report."""
    detail: str = ""
    """More for ``--verbose``, such as a traceback; not in the report."""
    depends_on_sizes: bool = False
    """Whether it may not hold at other sizes (:attr:`Rule.depends_on_sizes`); not in the report."""

    @property
    def sort_key(self) -> tuple[str, int, int, str, str, str, str]:
        """Order of findings in a report: by place, then by code."""
        place = self.location or Location("", 0)
        return (
            place.path,
            place.line,
            place.column or 0,
            self.code,
            self.model or "",
            self.node or "",
            self.message,
        )
