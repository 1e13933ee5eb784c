"""The inputs of a call in other shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from skiplint.tracing.recording.trees import replace, walk

Shape = tuple[int, ...]


def tensors_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """The tensors among the inputs of a call, in the order of its arguments, one used twice as two."""
    return [tensor for _, tensor in walk((args, dict(kwargs)))]


def reshaped(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], shapes: Sequence[Shape]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs in other shapes of the same ranks, one for each of :func:`tensors_of`.

    Values are cut or repeated, so that token ids and masks stay valid.
    """
    # By tensor and not by place: the replacement may meet them in another order than the walk.
    wanted = {id(tensor): shape for tensor, shape in zip(tensors_of(args, kwargs), shapes, strict=True)}

    def change(tensor: Tensor) -> Tensor:
        return _repeated(tensor, wanted.get(id(tensor), tuple(tensor.shape)))

    changed: tuple[Any, ...] = replace(args, change)
    return changed, {name: replace(value, change) for name, value in kwargs.items()}


def _repeated(tensor: Tensor, shape: Shape) -> Tensor:
    """``tensor`` cut or repeated to ``shape``."""
    for axis, size in enumerate(shape):
        if tensor.shape[axis] != size and tensor.shape[axis]:
            index = torch.arange(size, device=tensor.device) % tensor.shape[axis]
            tensor = tensor.index_select(axis, index)
    return tensor
