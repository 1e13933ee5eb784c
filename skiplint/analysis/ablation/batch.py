"""A batch of inputs on an arc between two, so that it has near and far pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skiplint.analysis.gradients.measure import varied

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from skiplint.tracing import Subject


@dataclass(frozen=True)
class Batch:
    """Arguments of a forward, and the distances between the inputs in the batch."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    distances: Tensor
    """``[B, B]``; ``[1, 1]`` where the batch dimension is not known."""


def as_given(subject: Subject, seed: int) -> Batch:
    """The model's own example inputs."""
    import torch

    args, kwargs = varied((subject.args, subject.kwargs), seed)
    return Batch(args, kwargs, torch.zeros(1, 1))


def on_an_arc(subject: Subject, size: int, seed: int) -> Batch:
    """A batch of ``size`` inputs from ``a`` to ``b``.

    ``a`` is the first example input, ``b`` is drawn from its values, so that token ids stay in range. Input t
    is ``cos(t) a + sin(t) b``; of integers a growing part is taken from ``b``. Tensors whose first dimension
    is not that of the first tensor, and truth values, stay as they are.
    """
    import torch

    from skiplint.tracing.recording.trees import replace, tensors_of

    inputs = varied((subject.args, subject.kwargs), seed)
    tensors = tensors_of(*inputs)
    old = tensors[0].shape[0] if tensors and tensors[0].dim() else 0
    generator = torch.Generator().manual_seed(seed)
    squares = torch.zeros(size, size, dtype=torch.float64)

    def change(tensor: Tensor) -> Tensor:
        nonlocal squares
        batched = old and tensor.dim() and tensor.shape[0] == old and tensor.numel()
        if not batched or tensor.dtype == torch.bool:
            return tensor
        first = tensor[:1]
        values = tensor.flatten()
        other = values[torch.randint(len(values), first.shape, generator=generator)]
        made = _between(first, other, size, generator)
        flat = made.reshape(size, -1)
        if made.is_floating_point():
            squares += torch.cdist(flat.double(), flat.double()).square() / flat.shape[1]
        elif not made.is_complex():
            squares += (flat[:, None] != flat[None]).double().mean(dim=2)
        return made

    args, kwargs = replace(inputs, change)
    return Batch(args, kwargs, squares.sqrt())


def _between(first: Tensor, other: Tensor, size: int, generator: torch.Generator) -> Tensor:
    import torch

    steps = torch.linspace(0, 1, size)
    if first.is_floating_point() or first.is_complex():
        angles = (steps * math.pi / 2).reshape(size, *([1] * (first.dim() - 1)))
        return (angles.cos() * first + angles.sin() * other).to(first.dtype)
    place = torch.rand(first.shape, generator=generator)
    return torch.where(place < steps.reshape(size, *([1] * (first.dim() - 1))), other, first)
