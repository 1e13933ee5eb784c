"""A call of a torch function, and a corrected call that may have been meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from skiplint.graph import Blame, FaultKind
from skiplint.operators import Family, Op, op_of
from skiplint.tracing.recording.naming import function_name
from skiplint.tracing.recording.trees import replace

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a corrected call says of the fault; the fields are those of :class:`skiplint.graph.Fault`."""

    kind: FaultKind
    operand: int
    expected: Shape
    actual: Shape = ()
    axis: int | None = None
    blame: Blame = "call"
    shapes: tuple[Shape, ...] = field(default=(), compare=False)


class Call:
    """A call of a torch function with its arguments."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs

    @cached_property
    def op(self) -> Op:
        """What is known of the function."""
        return op_of(function_name(self.function))

    @property
    def feature_axis(self) -> int | None:
        """The axis of the input on which a layer takes one width only (1 or -1); None for other calls."""
        is_layer = self.op.is_a(Family.CONVOLUTION, Family.LINEAR, Family.NORM)
        return self.op.feature_axis if is_layer else None

    @cached_property
    def tensors(self) -> list[Tensor]:
        """The tensors that the call reads, in the order of :attr:`Operation.operands`."""
        found: list[Tensor] = []

        def note(tensor: Tensor) -> Tensor:
            found.append(tensor)
            return tensor

        replace((self.args, dict(self.kwargs)), note)
        return found

    @cached_property
    def shapes(self) -> list[Shape]:
        """The shapes of :attr:`tensors`."""
        return [tuple(map(int, tensor.shape)) for tensor in self.tensors]

    def setting(self, name: str) -> Any:
        """Return the argument that the catalogue calls ``name``; None if the function has none such."""
        return self.op.setting(self, name)

    def with_setting(self, name: str, value: Any) -> Call:
        """Return the call with another value for the argument that the catalogue calls ``name``."""
        return Call(self.function, *self.op.settings[name].put(value, self.args, self.kwargs))

    def resized(self, shapes: Mapping[int, Shape]) -> Call:
        """Return the call with blank tensors of ``shapes`` in place of these positions of :attr:`tensors`."""
        blanks = {
            id(self.tensors[place]): torch.empty(
                shape, dtype=self.tensors[place].dtype, device=self.tensors[place].device
            )
            for place, shape in shapes.items()
        }

        def change(tensor: Tensor) -> Tensor:
            return blanks.get(id(tensor), tensor)

        args, kwargs = replace((self.args, dict(self.kwargs)), change)
        return Call(self.function, args, kwargs)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice and the corrected call; None if the result then has the shape of the first operand."""

    choice: Choice
    call: Call | None


def as_meant(
    call: Call, kind: FaultKind, operand: int, shapes: Mapping[int, Shape], blame: Blame = "call"
) -> Candidate:
    """Return the candidate that is ``call`` with operands of other shapes.

    Args:
        call: the call that fails.
        kind: the kind of the fault.
        operand: the position of the operand that the fault names.
        shapes: the corrected shapes of operands by their positions, that of ``operand`` among them.
        blame: what is wrong, the call or its operand.
    """
    return Candidate(Choice(kind, operand, shapes[operand], blame=blame), call.resized(shapes))
