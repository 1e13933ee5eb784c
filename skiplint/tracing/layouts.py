"""On which axis the channels of a tensor lie, as far as the layers before it tell."""

from __future__ import annotations

from typing import Any, Literal

from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.tracing.calls import Call, Choice
from skiplint.tracing.trees import walk

Layout = Literal["first", "last"]
"""(N, C, ...) or (N, ..., C)."""
_LAYERS: dict[str, Layout] = {
    **dict.fromkeys("conv batch_norm instance_norm group_norm".split(), "first"),  # type: ignore[arg-type]
    **dict.fromkeys("linear layer_norm rms_norm embedding".split(), "last"),  # type: ignore[arg-type]
}
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
            before: Layout | None = self._known.get(call.tensors[0])  # type: ignore[no-untyped-call]
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
        given: Layout | None = self._known.get(call.tensors[choice.operand])  # type: ignore[no-untyped-call]
        return given == _other(own) or (given is None and len(choice.actual) == 3)


def _other(layout: Layout) -> Layout:
    return "last" if layout == "first" else "first"


def _of_layer(call: Call) -> Layout | None:
    return next((layout for name, layout in _LAYERS.items() if call.name.startswith(name)), None)
