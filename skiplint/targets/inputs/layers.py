"""What a layer with weights says about its input. Imported only while inputs are searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from skiplint.operators import Family, Op


@dataclass(frozen=True)
class Mark:
    """What has happened to an input of the model so far."""

    names: tuple[str, ...]
    reshaped: bool = False
    transposed: bool = False
    concatenated: bool = False
    rank: int = 0
    """The rank of the input itself."""
    extra: int = 0
    """The channels of other tensors with which it was concatenated."""


@dataclass(frozen=True)
class Use:
    """The first layer with weights that an input reaches."""

    kind: Family
    """``BROADCASTING`` for an element-wise operation with a parameter."""
    layer: str
    channels: int
    extra: int = 0
    """The channels of other tensors with which it was concatenated."""
    spatial: int = 0
    rank_shift: int = 0
    """The number of dimensions that were added before the layer; negative if some were removed."""
    reshaped: bool = False
    transposed: bool = False
    shared_by: int = 1
    """The number of inputs that were concatenated before the layer."""
    batch_first: bool = True
    dtype: str = "float32"
    upsamples: bool = False
    """Whether the layer is a transposed convolution."""
    shape: tuple[int, ...] = ()
    """The shape of the parameter that is combined with the input, or of the normalised part."""


def is_layer(module: nn.Module) -> bool:
    """Return whether the attributes of the module say which input it takes."""
    return isinstance(module, tuple(kind for kinds, _ in _READERS for kind in kinds))


def module_use(module: Any, path: str, value: torch.Tensor, found: Mark, place: int | str) -> Use | None:
    """Return what a layer of torch.nn says about the tensor that it is given.

    Args:
        module: the layer.
        path: its path in the model.
        value: the tensor.
        found: what has happened to it so far.
        place: the position or keyword of the argument.

    Returns:
        The use; None for a lazy layer, which takes any input.
    """
    weight = next(module.parameters(), None)
    if isinstance(weight, nn.parameter.UninitializedParameter):
        return None
    layer = f"{type(module).__name__} {path}"
    for kinds, read in _READERS:
        if isinstance(module, kinds):
            kind, channels, more = read(module, place)
            return describe_use(kind, layer, channels, value, found, weight, **more)
    return None


def functional_use(op: Op, value: torch.Tensor, weight: torch.Tensor, index: int, found: Mark) -> Use | None:
    """Return what a function such as ``F.conv2d`` says about the tensor that it is given.

    Args:
        op: the function.
        value: its argument ``index``.
        weight: its first parameter.
        index: a position among its arguments.
        found: what has happened to ``value`` so far.

    Returns:
        The use; None if the function is no layer.
    """
    if op.is_a(Family.CONVOLUTION):
        channels = weight.shape[0 if op.is_a(Family.TRANSPOSED) else 1]
        spatial = weight.dim() - 2
        return describe_use(Family.CONVOLUTION, op.name, channels, value, found, weight, spatial=spatial)
    if op.is_a(Family.EMBEDDING):
        return describe_use(Family.EMBEDDING, op.name, weight.shape[0], value, found, None)
    if op.is_a(Family.LINEAR, Family.MATRIX_PRODUCT) and weight.dim() >= 2 and index == 0:
        channels = weight.shape[-1 if op.is_a(Family.LINEAR) else -2]
        return describe_use(Family.LINEAR, op.name, channels, value, found, weight)
    return None


_OF_SIGNALS = (nn.BatchNorm1d, nn.InstanceNorm1d)
_OF_VOLUMES = (nn.BatchNorm3d, nn.InstanceNorm3d)
Reading = tuple[Family, int, dict[str, Any]]


def _convolution(module: Any, _: int | str) -> Reading:
    more = {"spatial": len(module.kernel_size), "upsamples": module.transposed}
    return Family.CONVOLUTION, module.in_channels, more


def _attention(module: Any, place: int | str) -> Reading:
    widths = {1: module.kdim, "key": module.kdim, 2: module.vdim, "value": module.vdim}
    return Family.ATTENTION, widths.get(place, module.embed_dim), {"batch_first": module.batch_first}


def _batch_norm(module: Any, _: int | str) -> Reading:
    spatial = 1 if isinstance(module, _OF_SIGNALS) else 3 if isinstance(module, _OF_VOLUMES) else 2
    return Family.NORM, module.num_features, {"spatial": spatial}


def _recurrent(module: Any, _: int | str) -> Reading:
    return Family.RECURRENT, module.input_size, {"batch_first": module.batch_first}


def _cell(module: Any, place: int | str) -> Reading:
    return Family.LINEAR, module.hidden_size if place in (1, "hx") else module.input_size, {}


def _layer_norm(module: Any, _: int | str) -> Reading:
    return Family.NORM, module.normalized_shape[-1], {"shape": tuple(module.normalized_shape)}


_READERS: tuple[tuple[tuple[type[nn.Module], ...], Callable[[Any, int | str], Reading]], ...] = (
    ((nn.modules.conv._ConvNd,), _convolution),
    ((nn.Linear,), lambda module, _: (Family.LINEAR, module.in_features, {})),
    ((nn.Embedding, nn.EmbeddingBag), lambda module, _: (Family.EMBEDDING, module.num_embeddings, {})),
    ((nn.RNNBase,), _recurrent),
    ((nn.RNNCellBase,), _cell),
    ((nn.MultiheadAttention,), _attention),
    ((nn.TransformerEncoderLayer, nn.TransformerDecoderLayer), lambda m, _: _attention(m.self_attn, 0)),
    ((nn.Transformer,), lambda m, _: (Family.ATTENTION, m.d_model, {"batch_first": m.batch_first})),
    ((nn.modules.batchnorm._NormBase,), _batch_norm),
    ((nn.LayerNorm,), _layer_norm),
    ((nn.GroupNorm,), lambda module, _: (Family.NORM, module.num_channels, {"spatial": 2})),
)


def describe_use(
    kind: Family,
    layer: str,
    channels: int,
    value: torch.Tensor,
    found: Mark,
    weight: torch.Tensor | None,
    **more: Any,
) -> Use:
    """Return the use that a layer makes of a tensor.

    Args:
        kind: the family of the layer.
        layer: its name, for the reason that is shown.
        channels: the channels or features that it takes.
        value: the tensor.
        found: what has happened to it so far.
        weight: the layer's weight, if its dtype is that of the input.
        more: other fields of :class:`Use`.
    """
    shared = len(found.names) if found.concatenated else 1
    dtype = "int64" if kind is Family.EMBEDDING else "float32"
    if (
        kind is not Family.EMBEDDING
        and weight is not None
        and (weight.is_floating_point() or weight.is_complex())
    ):
        dtype = str(weight.dtype).removeprefix("torch.")
    extra = found.extra if channels > found.extra else 0  # else it was joined along another axis
    return Use(
        kind,
        layer,
        channels - extra,
        extra=extra,
        rank_shift=0 if found.reshaped else value.dim() - found.rank,
        reshaped=found.reshaped,
        transposed=found.transposed,
        shared_by=shared,
        dtype=dtype,
        **more,
    )


def fitting(value: torch.Tensor, use: Use) -> torch.Tensor:
    """Return an unmarked tensor that the layer accepts, in a shape as much like ``value`` as possible.

    Args:
        value: the input that the layer was given.
        use: what the layer takes.
    """
    shape = list(value.shape)
    wanted = use.channels + use.extra
    if use.kind is Family.EMBEDDING:
        shape = shape if len(shape) <= 2 else [1, 16]
        return torch.zeros(shape, dtype=torch.int64, device=value.device)
    if use.kind is Family.CONVOLUTION or (use.kind is Family.NORM and use.spatial > 1):
        rank = use.spatial + 2
        shape = shape if len(shape) == rank else [1, 0, *[shape[-1] if shape else 16] * use.spatial]
        shape[1] = wanted
    elif use.kind is Family.NORM and not use.shape:
        shape = [shape[0], wanted, *shape[2:3]] if len(shape) > 1 else [1, wanted]
    elif use.kind in (Family.RECURRENT, Family.ATTENTION):
        shape = [*shape[:2], wanted] if len(shape) >= 3 else [*[1, 16, 1][: max(len(shape), 2)], 0]
        shape = [*shape[:-1], wanted] if len(shape) == 3 else [1, 16, wanted]
    elif use.kind is Family.NORM:
        lead = shape[: -len(use.shape)] or [1]
        shape = [*lead, *use.shape]
    else:
        shape = [1, wanted] if use.reshaped and len(shape) < 3 else [*shape[:-1], wanted]
    return torch.zeros(shape, dtype=getattr(torch, use.dtype), device=value.device)
