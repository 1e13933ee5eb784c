"""Watch which tensors meet in the element-wise calls of one forward.

That tells a size that is meant from one that only broadcasts. Imported only while inputs are searched.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from skiplint.operators import Family, op_of
from skiplint.operators.names import is_query
from skiplint.sources.owners import owner

_DATA = "_skiplint_data"
_JOINS = (Family.BROADCASTING, Family.CONCATENATION)


@dataclass(frozen=True)
class Operand:
    """A tensor that takes part in a call."""

    shape: tuple[int, ...]
    data: bool
    """Whether it descends from an input of the model, not from parameters and constants alone."""


@dataclass(frozen=True)
class Meeting:
    """One call that sets tensors against each other axis by axis."""

    name: str
    place: tuple[str, int]
    operands: tuple[Operand, ...]

    @property
    def data(self) -> list[Operand]:
        """The operands that descend from an input; scalars, which meet anything, are left out."""
        return [operand for operand in self.operands if operand.data and operand.shape]

    @property
    def fixed(self) -> list[Operand]:
        """The operands that do not, without scalars."""
        return [operand for operand in self.operands if not operand.data and operand.shape]


@dataclass(frozen=True)
class Meetings:
    """The meetings of one forward in order; where it failed at one, that is the last."""

    all: tuple[Meeting, ...]
    failed: bool = False
    """Whether the forward ended at the last of them."""

    def same(self, number: int, other: Meeting) -> Meeting | None:
        """The meeting with this number, if it is the same call as ``other``."""
        found = self.all[number] if number < len(self.all) else None
        same = found is not None and (found.name, found.place) == (other.name, other.place)
        return found if same else None


def meetings(model: nn.Module, run: Callable[[], object]) -> Meetings:
    """Return the meetings of tensors in the forward of ``model``, which ``run`` calls.

    Of several forwards, the last one counts. A program whose forward cannot be watched has no meetings.
    """
    if isinstance(model, torch.jit.ScriptModule):
        return Meetings(())
    last = _Watch()
    forward = model.forward

    def watched(*args: Any, **kwargs: Any) -> Any:
        nonlocal last
        last = _Watch()
        args, kwargs = tree_map_only(torch.Tensor, _marked, (args, kwargs))
        with last:
            return forward(*args, **kwargs)

    own = vars(model).get("forward")
    model.forward = watched
    try:
        run()
    finally:
        del model.forward
        if own is not None:
            model.forward = own
    return Meetings(tuple(last.seen), last.failed)


def _marked(tensor: torch.Tensor) -> torch.Tensor:
    return _mark(tensor.view_as(tensor))  # the caller's own tensor stays unmarked


def _mark(tensor: torch.Tensor) -> torch.Tensor:
    with contextlib.suppress(AttributeError):  # a subclass may refuse attributes
        setattr(tensor, _DATA, True)
    return tensor


class _Watch(TorchFunctionMode):
    """Follows what descends from the inputs, and notes where it meets other tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Meeting] = []
        self.failed = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        operands = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        descends = any(getattr(value, _DATA, False) for value in operands)
        name = getattr(func, "__name__", "")
        meets = descends and len(operands) > 1 and op_of(name).is_a(*_JOINS)
        if meets:
            met = tuple(Operand(tuple(value.shape), getattr(value, _DATA, False)) for value in operands)
            self.seen.append(Meeting(name, _place(), met))
        try:
            result = func(*args, **kwargs)
        except Exception:
            self.failed = meets
            raise
        if descends and not is_query(name, is_property=False):
            for value in tree_leaves(result):
                if isinstance(value, torch.Tensor):
                    _mark(value)
        return result


def _place() -> tuple[str, int]:
    """The file and line of the innermost frame that is neither torch's nor ours."""
    for frame in _frames():
        if owner(frame.f_code.co_filename) not in {"torch", "skiplint", "generated"}:
            return frame.f_code.co_filename, frame.f_lineno
    return "", 0


def _frames() -> Iterator[Any]:
    frame: Any = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back
