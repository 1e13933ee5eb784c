"""A suggestion that is mechanical: the edits of the source that carry it out, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skiplint.graph import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentEdit:
    """Set one argument of a call."""

    location: Location
    """Where the call starts."""
    callee: str
    """The last name of what is called, such as ``ReLU`` or ``cat``."""
    argument: str
    """The argument's keyword."""
    value: str
    """Its new value as Python source."""
    position: int | None = None
    """Where it stands if it is given by position."""
    only_literals: bool = True
    """Whether a value that is computed in the source is left alone."""
    exact: bool = True
    """Whether the call has to use the name of ``callee``; a class may be called by another one."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {"kind": "argument", **_place(self.location), "argument": self.argument, "value": self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResampleEdit:
    """Bring one operand of a concatenation to the size of another with ``interpolate``."""

    location: Location
    callee: str
    operand: int
    """Which operand is resampled."""
    reference: int
    """Which operand has the size."""
    first_axis: int = 2
    """The first spatial axis."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {
            "kind": "resample",
            **_place(self.location),
            "operand": self.operand,
            "reference": self.reference,
        }


Edit = ArgumentEdit | ResampleEdit


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Edits that make a finding go away."""

    description: str
    edits: tuple[Edit, ...]
    safe: bool
    """Whether what was meant is beyond doubt; others are made with ``--unsafe-fixes`` only."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {
            "description": self.description,
            "safe": self.safe,
            "edits": [edit.to_dict() for edit in self.edits],
        }


def _place(location: Location) -> dict[str, Any]:
    return {"path": location.path, "line": location.line, "column": location.column}
