"""The axis of the channels of each tensor of a trace, as far as the layers before it show."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.operators import Family
from skiplint.tracing.recording.trees import walk
from skiplint.tracing.recovery.calls import Call, Choice

Layout = Literal["first", "last"]
"""(N, C, ...) or (N, ..., C)."""
_FOLDS = (
    Family.RESHAPE,
    Family.INDEXED,
    Family.ONE_POSITION,
    Family.MATRIX_PRODUCT,
    Family.SUBSCRIPTED,
)
"""After calls of these families the axis of the channels is unknown."""


class Layouts:
    """Keeps the layout of tensors while calls of a trace run."""

    def __init__(self) -> None:
        self._known: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def note(self, call: Call, result: Any) -> None:
        """Note the layout of the result of a call that ran or was repaired."""
        layout = _of_layer(call)
        if layout is None and call.tensors and not call.op.is_a(*_FOLDS):
            before = self._of(call.tensors[0])
            turned = before is not None and call.op.is_a(Family.AXIS_MOVE)
            layout = _other(before) if before is not None and turned else before
        if layout is not None:
            for _, tensor in walk(result):
                if tensor.dim() > 2:
                    self._known[tensor] = layout

    def allows(self, call: Call, choice: Choice) -> bool:
        """Return whether ``choice`` is plausible if it says that the axes of an operand are permuted.

        Of an image only if a layer before it has the other layout, since the sides of an image are often as
        long as it has channels.
        """
        own = _of_layer(call)
        turns = choice.actual != choice.expected and sorted(choice.actual) == sorted(choice.expected)
        if own is None or not turns:
            return True
        given = self._of(call.tensors[choice.operand])
        return given == _other(own) or (given is None and len(choice.actual) == 3)

    def _of(self, tensor: Tensor) -> Layout | None:
        found: Layout | None = self._known.get(tensor)  # type: ignore[no-untyped-call]
        return found


def _other(layout: Layout) -> Layout:
    return "last" if layout == "first" else "first"


def _of_layer(call: Call) -> Layout | None:
    axis = -1 if call.op.is_a(Family.EMBEDDING) else call.feature_axis
    return None if axis is None else "first" if axis == 1 else "last"
