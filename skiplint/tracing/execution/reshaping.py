"""The inputs of a model in other shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from skiplint.tracing.recording.trees import replace, tensors_of

Shape = tuple[int, ...]


def reshaped(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], shapes: Sequence[Shape]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs in other shapes. Values are cut or repeated, so that token ids and masks stay valid.

    Args:
        args: positional inputs.
        kwargs: keyword inputs.
        shapes: one of the same rank for each tensor of :func:`~skiplint.tracing.recording.trees.tensors_of`.
    """
    # By tensor, not by position: the replacement may meet them in another order than the walk.
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
