"""Which operands of a call are read, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from skiplint.operators.families import Family
from skiplint.operators.op import Op, Role


class _Place(Protocol):
    @property
    def argument(self) -> str:
        """Where an operand stands in the call."""


class Reading(Protocol):
    """A call with its tensor operands."""

    @property
    def kind(self) -> str:
        """What it is: ``call``, or something that is none, such as ``output``."""

    @property
    def op(self) -> Op:
        """What is known of the function."""

    @property
    def inplace(self) -> bool:
        """Whether it writes into its first operand."""

    @property
    def operands(self) -> Sequence[_Place]:
        """The tensors that it reads."""


def role_of(call: Reading, position: int) -> Role:
    """What operand ``position`` of ``call`` has to do with the values of the result.

    What is written to as ``out=``, and what an in-place call overwrites, only lends its memory.
    """
    if call.kind != "call":
        return Role.VALUES
    overwritten = position == 0 and call.inplace and call.op.is_a(Family.OVERWRITE)
    if overwritten or call.operands[position].argument == "out":
        return Role.LENDS
    return call.op.role(position)
