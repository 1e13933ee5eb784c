"""The example inputs of a model at another batch size, resolution or sequence length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class ResizeError(Exception):
    """The inputs do not have the dimension to change; ``str()`` is one line that says so."""


@dataclass(frozen=True, slots=True)
class Resizing:
    """The sizes to change; none by default."""

    batch: int | None = None
    size: tuple[int, ...] = ()
    """New trailing dimensions; one number is the side of a square image or the length of a sequence."""

    def __bool__(self) -> bool:
        return self.batch is not None or bool(self.size)


def resize(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], wanted: Resizing
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs at the wanted size. Values are repeated, so that token ids and masks stay valid.

    The first tensor is resized; others follow in the dimensions that have the same size as in the first.

    Raises:
        ResizeError: the inputs do not have the dimensions that are to change.
    """
    from skiplint.tracing.execution.reshaping import reshaped
    from skiplint.tracing.recording.trees import tensors_of

    tensors = tensors_of(args, kwargs)
    if not wanted or not tensors:
        return args, dict(kwargs)
    leader = tensors[0]
    size = _trailing(leader, wanted.size)
    old = tuple(leader.shape[leader.dim() - len(size) :])
    shapes: list[tuple[int, ...]] = []
    for tensor in tensors:
        shape = list(tensor.shape)
        if wanted.batch is not None and shape and leader.dim() and shape[0] == leader.shape[0]:
            shape[0] = wanted.batch
        if size and len(shape) > len(size) and tuple(tensor.shape[-len(size) :]) == old:
            shape[-len(size) :] = size
        shapes.append(tuple(shape))
    return reshaped(args, kwargs, shapes)


def _trailing(leader: Tensor, size: tuple[int, ...]) -> tuple[int, ...]:
    """The new trailing dimensions of the first input."""
    if len(size) == 1 and leader.dim() >= 4:
        size = size * (leader.dim() - 2)
    if size and leader.dim() <= len(size):
        shape = list(leader.shape)
        raise ResizeError(
            f"--size gives {len(size)} dimensions beside the batch, the input has shape {shape}"
        )
    return size
