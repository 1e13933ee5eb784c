"""A call of a torch function, and the same call as it may have been meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from skiplint.graph import Blame, FaultKind
from skiplint.tracing.recording.naming import function_name
from skiplint.tracing.recording.trees import replace

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What one reading says of the fault; the fields are those of :class:`skiplint.graph.Fault`."""

    kind: FaultKind
    operand: int
    expected: Shape
    actual: Shape = ()
    axis: int | None = None
    blame: Blame = "call"
    shapes: tuple[Shape, ...] = field(default=(), compare=False)


class Call:
    """A call of a torch function, and the same call with other tensors."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs

    @cached_property
    def name(self) -> str:
        """What the function is called, without the in-place mark."""
        return function_name(self.function).rstrip("_")

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
        """Their shapes."""
        return [tuple(map(int, tensor.shape)) for tensor in self.tensors]

    def argument(self, position: int, *keywords: str, default: Any = None) -> Any:
        """The argument at ``position`` or under one of ``keywords``."""
        for keyword in keywords:
            if keyword in self.kwargs:
                return self.kwargs[keyword]
        return self.args[position] if position < len(self.args) else default

    def resized(self, shapes: Mapping[int, Shape]) -> Call:
        """The call with blank tensors of ``shapes`` at these positions of :attr:`tensors`."""
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

    def along(self, axis: int) -> Call:
        """The call with ``axis`` in the place of its second argument, or of ``dim``."""
        if len(self.args) > 1:
            return Call(self.function, (self.args[0], axis, *self.args[2:]), self.kwargs)
        name = "axis" if "axis" in self.kwargs else "dim"
        return Call(self.function, self.args, {**self.kwargs, name: axis})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice and the call as it would then run; None where the result is as the first operand."""

    choice: Choice
    call: Call | None


def as_meant(
    call: Call, kind: FaultKind, operand: int, shapes: Mapping[int, Shape], blame: Blame = "call"
) -> Candidate:
    """The call with operands of ``shapes``, of which ``operand`` is the one to name."""
    return Candidate(Choice(kind, operand, shapes[operand], blame=blame), call.resized(shapes))
