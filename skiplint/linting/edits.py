"""Edits of the source that carry out a remedy, as data."""

from __future__ import annotations

from typing import Any

import msgspec

from skiplint.graph import Location


class ArgumentEdit(msgspec.Struct, frozen=True, kw_only=True, tag="argument"):
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
    exact: bool = True
    """Whether the call has to use the name of ``callee``; a class may be called by another one."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {"kind": "argument", **_place(self.location), "argument": self.argument, "value": self.value}


class WrapEdit(msgspec.Struct, frozen=True, kw_only=True, tag="wrap"):
    """Put an expression around one operand of a call, or around the call."""

    location: Location
    callee: str
    operand: str
    """Its place in the call, such as ``0``, ``0[1]`` or ``tensors[1]``; empty for the call itself."""
    expression: str
    """Python source in which ``{}`` stands for what is wrapped."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        wrap = {"operand": self.operand, "expression": self.expression}
        return {"kind": "wrap", **_place(self.location), **wrap}


class ResampleEdit(msgspec.Struct, frozen=True, kw_only=True, tag="resample"):
    """Bring one operand of a concatenation to the size of another with ``interpolate``."""

    location: Location
    callee: str
    operand: str
    """Which operand is resampled."""
    reference: str
    """Which operand has the size."""
    first_axis: int = 2
    """The first spatial axis."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        operands = {"operand": self.operand, "reference": self.reference}
        return {"kind": "resample", **_place(self.location), **operands}


Edit = ArgumentEdit | WrapEdit | ResampleEdit


def _place(location: Location) -> dict[str, Any]:
    return {"path": location.path, "line": location.line, "column": location.column}
