"""On which axis the channels of a tensor lie, as far as the layers before it tell."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.tracing.recording.trees import walk
from skiplint.tracing.recovery.calls import Call, Choice

Layout = Literal["first", "last"]
"""(N, C, ...) or (N, ..., C)."""
_FIRST = ("conv", "batch_norm", "instance_norm", "group_norm")
_LAST = ("linear", "layer_norm", "rms_norm", "embedding")
"""How the names of layers begin that take the channels there."""
_TURNS = frozenset("permute transpose movedim moveaxis swapaxes swapdims mT".split())
_FOLDS = frozenset("view reshape flatten unflatten getitem select squeeze unsqueeze matmul einsum".split())


class Layouts:
    """What the calls of a trace tell of the layout of their results."""

    def __init__(self) -> None:
        self._known: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def note(self, call: Call, result: Any) -> None:
        """Note what a call that ran, or was repaired, gives."""
        layout = _of_layer(call)
        if layout is None and call.tensors and call.name not in _FOLDS:
            before = self._of(call.tensors[0])
            turned = before is not None and call.name in _TURNS
            layout = _other(before) if before is not None and turned else before
        if layout is not None:
            for _, tensor in walk(result):
                if tensor.dim() > 2:
                    self._known[tensor] = layout

    def allows(self, call: Call, choice: Choice) -> bool:
        """Whether a layer can have been meant for the same tensor with its axes turned.

        Of images only where a layer before has given them the other way round: their sides are often as
        long as there are channels.
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
    if call.name.startswith(_FIRST):
        return "first"
    return "last" if call.name.startswith(_LAST) else None
