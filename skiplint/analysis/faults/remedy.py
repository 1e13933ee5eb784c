"""A remedy of a finding, and the edits of the source that carry it out, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from skiplint.graph import Location

RemedyKind = Literal["module-argument", "call-argument", "wrap-operand", "wrap-result", "insert-module"]


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


class WrapEdit(msgspec.Struct, frozen=True, kw_only=True, tag="wrap"):
    """Put an expression around one operand of a call, or around the call."""

    location: Location
    callee: str
    operand: str
    """Its place in the call, such as ``0``, ``0[1]`` or ``tensors[1]``; empty for the call itself."""
    expression: str
    """Python source in which ``{}`` stands for what is wrapped."""


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


Edit = ArgumentEdit | WrapEdit | ResampleEdit


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
