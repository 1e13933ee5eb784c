"""Which widths of a trace are beyond doubt, and where a tensor gets its own from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn import Parameter
from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.tracing.calls import Call, Shape
from skiplint.tracing.errors import SHAPE_ERRORS

_MOST_STEPS = 6


class Widths:
    """Follows tensors from call to call, for the question whether one of them may be meant wider.

    What a layer has taken as it is, or a norm has given, has the right width.
    """

    def __init__(self) -> None:
        self._made_by: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self._settled: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def note(self, call: Call, result: Any, *, takes_one: bool) -> None:
        """Note a call that ran; ``takes_one``: it is a layer that takes one width only."""
        data = _data(call)
        if takes_one and call.tensors:
            for tensor, _ in self.upstream(call.tensors[0], call.shapes[0]):
                self._settled[tensor] = True
        if not isinstance(result, Tensor):
            return
        if takes_one and call.name.endswith("_norm"):
            self._settled[result] = True
        # A call keeps its operand alive, which costs memory where there are values.
        if len(data) == 1 and (result.is_meta or isinstance(result, FakeTensor)) and not takes_one:
            self._made_by[result] = call

    def is_settled(self, tensor: Tensor) -> bool:
        """Whether its width is beyond doubt."""
        chain = self.upstream(tensor, tuple(map(int, tensor.shape)))
        return any(source in self._settled for source, _ in chain)

    def upstream(self, tensor: Tensor, shape: Shape) -> Iterator[tuple[Tensor, Shape]]:
        """``tensor`` and what it is made of alone, with the shapes that would make it one of ``shape``."""
        for _ in range(_MOST_STEPS):
            yield tensor, shape
            call: Call | None = self._made_by.get(tensor)  # type: ignore[no-untyped-call]
            if call is None:
                return
            place = _data(call)[0]
            before = _shape_before(call, place, tuple(map(int, tensor.shape)), shape)
            if before is None:
                return
            tensor, shape = call.tensors[place], before


def _data(call: Call) -> list[int]:
    return [place for place, tensor in enumerate(call.tensors) if not isinstance(tensor, Parameter)]


def _shape_before(call: Call, place: int, made: Shape, wanted: Shape) -> Shape | None:
    """The shape of the operand with which the call gives ``wanted`` where it gave ``made``."""
    own = call.shapes[place]
    if made == wanted:
        return own
    changed = [(given, size) for given, size in zip(made, wanted, strict=False) if given != size]
    if len(made) != len(wanted) or len(changed) != 1:
        return None
    given, size = changed[0]
    for axis in range(len(own)):
        if own[axis] == given:
            before = (*own[:axis], size, *own[axis + 1 :])
            if _gives(call.resized({place: before}), wanted):
                return before
    return None


def _gives(call: Call, wanted: Shape) -> bool:
    try:
        result = call.function(*call.args, **call.kwargs)
    except SHAPE_ERRORS:
        return False
    return isinstance(result, Tensor) and tuple(result.shape) == wanted
