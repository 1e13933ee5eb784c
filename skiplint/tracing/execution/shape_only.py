"""Calls of which only the shape is wanted: their results without the many steps inside.

On the meta device a batch norm is worked out as some thirty elementwise operations on nothing, a grid sample
as two hundred. In a run that only checks whether the shapes fit, that is most of the time. A call that may
fail, or whose result is more than a shape, is not replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Arguments = Mapping[str, Any]

_PLAIN = (Tensor, torch.nn.Parameter)
_MODES, _BORDERS = ("bilinear", "nearest"), ("zeros", "border", "reflection")
"""Of a grid sample on images, the default first."""
_FORMULAS = ("none", "tanh")
"""Of GELU, the default first."""


def shape_only(function: Any, args: Sequence[Any], kwargs: Arguments) -> Tensor | None:
    """The result of a call on the meta device; None where the call has to run."""
    known = _KNOWN.get(function)
    if known is None or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
        return None
    names, gives = known
    given = dict(zip(names, args, strict=False)) | dict(kwargs)
    data = given.get("input")
    if not isinstance(data, Tensor) or not data.is_floating_point() or not data.numel():
        return None
    tensors = [value for value in given.values() if isinstance(value, Tensor)]
    if not all(type(each) in _PLAIN and each.is_meta and each.dtype == data.dtype for each in tensors):
        return None
    return gives(data, given)


def _like(data: Tensor) -> Tensor:
    if not data.is_contiguous():
        return torch.empty_like(data)
    # On the meta device that is a fraction of the above.
    return torch.empty_strided(data.shape, data.stride(), dtype=data.dtype, device="meta")


def _weights(given: Arguments, *names: str) -> list[Tensor]:
    return [given[name] for name in names if given.get(name) is not None]


def _per_channel(data: Tensor, given: Arguments) -> Tensor | None:
    weights = _weights(given, "weight", "bias", "running_mean", "running_var")
    # A channel with a single number is refused by some.
    many = data.dim() >= 2 and data.numel() > 2 * data.shape[0] * data.shape[1]
    fits = many and all(each.shape == data.shape[1:2] for each in weights)
    return _like(data) if fits else None


def _batch_norm(data: Tensor, given: Arguments) -> Tensor | None:
    measured = len(_weights(given, "running_mean", "running_var")) == 2
    return _per_channel(data, given) if measured or given.get("training") is True else None


def _instance_norm(data: Tensor, given: Arguments) -> Tensor | None:
    measured = len(_weights(given, "running_mean", "running_var")) == 2
    return _per_channel(data, given) if given.get("use_input_stats", True) is True or measured else None


def _group_norm(data: Tensor, given: Arguments) -> Tensor | None:
    groups = given.get("num_groups")
    fits = isinstance(groups, int) and groups > 0 and data.dim() >= 2 and data.shape[1] % groups == 0
    return _per_channel(data, given) if fits and data.is_contiguous() else None


def _layer_norm(data: Tensor, given: Arguments) -> Tensor | None:
    shape = given.get("normalized_shape")
    if not isinstance(shape, (tuple, list)) or not shape or data.shape[-len(shape) :] != tuple(shape):
        return None
    fits = all(each.shape == tuple(shape) for each in _weights(given, "weight", "bias"))
    return _like(data) if fits and data.is_contiguous() else None


def _linear(data: Tensor, given: Arguments) -> Tensor | None:
    weight, bias = given.get("weight"), given.get("bias")
    if not isinstance(weight, Tensor) or weight.dim() != 2 or not data.dim() or not data.is_contiguous():
        return None
    if data.shape[-1] != weight.shape[1] or (bias is not None and bias.shape != weight.shape[:1]):
        return None
    return data.new_empty((*data.shape[:-1], weight.shape[0]))


def _grid_sample(data: Tensor, given: Arguments) -> Tensor | None:
    grid = given.get("grid")
    if not isinstance(grid, Tensor) or data.dim() != 4 or grid.dim() != 4:
        return None
    if grid.shape[0] != data.shape[0] or grid.shape[3] != 2 or given.get("mode") == "bicubic":
        return None
    known = given.get("mode", _MODES[0]) in _MODES and given.get("padding_mode", _BORDERS[0]) in _BORDERS
    return data.new_empty((*data.shape[:2], *grid.shape[1:3])) if known else None


def _activation(data: Tensor, given: Arguments) -> Tensor | None:
    if given.get("approximate", _FORMULAS[0]) not in _FORMULAS:
        return None
    return data if given.get("inplace") else _like(data)


_KNOWN: dict[Any, tuple[tuple[str, ...], Callable[[Tensor, Arguments], Tensor | None]]] = {
    functional.batch_norm: (
        ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
        _batch_norm,
    ),
    functional.instance_norm: (
        ("input", "running_mean", "running_var", "weight", "bias", "use_input_stats", "momentum", "eps"),
        _instance_norm,
    ),
    functional.group_norm: (("input", "num_groups", "weight", "bias", "eps"), _group_norm),
    functional.layer_norm: (("input", "normalized_shape", "weight", "bias", "eps"), _layer_norm),
    functional.linear: (("input", "weight", "bias"), _linear),
    functional.grid_sample: (("input", "grid", "mode", "padding_mode", "align_corners"), _grid_sample),
    functional.gelu: (("input",), _activation),
    functional.silu: (("input", "inplace"), _activation),
    functional.leaky_relu: (("input", "negative_slope", "inplace"), _activation),
}
"""By function: the names of its arguments, and what computes the result."""
