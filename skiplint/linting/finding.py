"""What a rule has to say, as data; text is rendered in :mod:`skiplint.reporting`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from skiplint.graph import Location
from skiplint.linting.edits import Edit

Shape = tuple[int, ...]
RemedyKind = Literal["module-argument", "call-argument", "wrap-operand", "wrap-result", "insert-module"]


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


def location_dict(location: Location | None) -> dict[str, Any] | None:
    """A location as it stands in the report."""
    if location is None:
        return None
    return {"path": location.path, "line": location.line, "column": location.column}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One change of the model's source that mends a finding.

    - ``module-argument``: the module at path ``target`` is built with ``new`` for ``argument``, not ``old``.
    - ``call-argument``: the call ``target``, at the finding's place, gets ``new`` for ``argument``.
    - ``wrap-operand``: the operand ``argument`` of the call ``target`` becomes the expression ``new``, in
      which ``{}`` stands for it.
    - ``wrap-result``: so becomes what the call ``target`` gives; ``argument`` is empty.
    - ``insert-module``: the operand ``argument`` goes through a new module of the model, built by ``new``.

    An operand is named as in :class:`skiplint.graph.Operand`: ``0``, ``1``, ``0[2]``, ``tensors[1]``.
    """

    kind: RemedyKind
    target: str
    argument: str
    old: Any
    """None where there is nothing to take away."""
    new: Any
    description: str
    """The change in words."""
    safe: bool = True
    """Whether what was meant is beyond doubt; others are made with ``--unsafe-fixes`` only."""
    edits: tuple[Edit, ...] = ()
    """The same as edits of the source, where its place is known; rules leave this to the engine."""

    def to_dict(self) -> dict[str, Any]:
        """The remedy as it stands in the machine-readable report."""
        return {
            "kind": self.kind,
            "target": self.target,
            "argument": self.argument,
            "old": _plain(self.old),
            "new": _plain(self.new),
            "description": self.description,
            "safe": self.safe,
            "edits": [edit.to_dict() for edit in self.edits],
        }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


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

    def to_dict(self) -> dict[str, Any]:
        """The finding as it stands in the machine-readable report."""
        return {
            "code": self.code,
            "name": self.name,
            "severity": self.severity.value,
            "message": self.message,
            "location": location_dict(self.location),
            "model": self.model,
            "node": self.node,
            "expected": self.expected,
            "actual": self.actual,
            "shapes": [list(shape) for shape in self.shapes],
            "suggestion": self.suggestion,
            "fix": None if self.fix is None else self.fix.to_dict(),
            "url": self.url,
        }
