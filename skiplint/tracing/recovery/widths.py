"""The tensors of a trace whose width is certain, and the tensors from which each takes its width."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn import Parameter
from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.operators import Family
from skiplint.tracing.execution.errors import SHAPE_ERRORS
from skiplint.tracing.recording.trees import walk
from skiplint.tracing.recovery.calls import Call, Shape

_MOST_STEPS = 6


class Widths:
    """Follows tensors from call to call, to tell whether another width may be meant for one of them.

    What a layer has accepted, or a norm has returned, has the right width.
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
        made = [tensor for _, tensor in walk(result)]
        if takes_one and call.op.is_a(Family.NORM):
            self._settled.update((tensor, True) for tensor in made)  # type: ignore[no-untyped-call]
        # A call keeps its operand alive, which costs memory where there are values.
        free = all(tensor.is_meta or isinstance(tensor, FakeTensor) for tensor in made)
        if len(data) == 1 and free and not takes_one:
            for place, tensor in enumerate(made):
                self._made_by[tensor] = _Making(call, place, [weakref.ref(each) for each in made])

    def is_settled(self, tensor: Tensor) -> bool:
        """Return whether the width of ``tensor`` is certain."""
        chain = self.upstream(tensor, tuple(map(int, tensor.shape)))
        return any(source in self._settled for source, _ in chain)

    def upstream(self, tensor: Tensor, shape: Shape) -> Iterator[tuple[Tensor, Shape]]:
        """Yield ``tensor`` and the tensors that it is made from, with the shapes that give it ``shape``.

        Tensors that were split off together with one of these are among them.
        """
        for _ in range(_MOST_STEPS):
            yield tensor, shape
            making: _Making | None = self._made_by.get(tensor)  # type: ignore[no-untyped-call]
            before = None if making is None else making.before(tuple(map(int, tensor.shape)), shape)
            if making is None or before is None:
                return
            for reference, other in zip(making.parts, making.given(before), strict=False):
                part = reference()
                if part is not None and part is not tensor:
                    yield part, other
            tensor, shape = making.call.tensors[_data(making.call)[0]], before


def _data(call: Call) -> list[int]:
    return [place for place, tensor in enumerate(call.tensors) if not isinstance(tensor, Parameter)]


@dataclass(frozen=True)
class _Making:
    """The call that made a tensor from one other, and what else it made."""

    call: Call
    place: int
    parts: list[weakref.ref[Tensor]]

    def before(self, made: Shape, wanted: Shape) -> Shape | None:
        """The shape of the operand with which the call gives ``wanted`` instead of ``made``; None if none."""
        own = self.call.shapes[_data(self.call)[0]]
        if made == wanted:
            return own
        changed = [(given, size) for given, size in zip(made, wanted, strict=False) if given != size]
        if len(made) != len(wanted) or len(changed) != 1:
            return None
        given, size = changed[0]
        for axis, length in enumerate(own):
            if given and length and length % given == 0:
                before = (*own[:axis], length // given * size, *own[axis + 1 :])
                shapes = self.given(before)
                if self.place < len(shapes) and shapes[self.place] == wanted:
                    return before
        return None

    def given(self, before: Shape) -> list[Shape]:
        """The shapes that the call gives for an operand of another shape; none if it fails."""
        call = self.call.resized({_data(self.call)[0]: before})
        try:
            result = call.function(*call.args, **call.kwargs)
        except SHAPE_ERRORS:
            return []
        return [tuple(map(int, tensor.shape)) for _, tensor in walk(result)]
