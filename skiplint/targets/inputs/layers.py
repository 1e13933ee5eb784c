"""What a layer with weights says about the tensor that it is given. Only loaded while inputs are searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

UseKind = Literal["conv", "linear", "embedding", "recurrent", "attention", "norm", "pointwise"]

_CONVOLUTIONS = frozenset(f"conv{t}{d}d" for t in ("", "_transpose") for d in (1, 2, 3))
_PRODUCTS = frozenset({"linear", "matmul", "mm", "bmm", "__matmul__", "addmm", "mv"})
_EMBEDDINGS = frozenset({"embedding", "embedding_bag"})


@dataclass(frozen=True)
class Mark:
    """What has happened to an input on its way."""

    names: tuple[str, ...]
    reshaped: bool = False
    transposed: bool = False
    concatenated: bool = False
    rank: int = 0
    """Rank of the input itself."""
    extra: int = 0
    """Channels of other tensors that it was concatenated with."""


@dataclass(frozen=True)
class Use:
    """The first layer with weights that an input reaches."""

    kind: UseKind
    layer: str
    channels: int
    spatial: int = 0
    rank_shift: int = 0
    """Dimensions that were added (or taken away) on the way to the layer."""
    reshaped: bool = False
    transposed: bool = False
    shared_by: int = 1
    """Inputs that were concatenated on the way."""
    batch_first: bool = True
    dtype: str = "float32"
    upsamples: bool = False
    """The layer is a transposed convolution."""
    shape: tuple[int, ...] = ()
    """Shape of the parameter that the input meets, or of the normalised part."""


def is_layer(module: nn.Module) -> bool:
    """Whether the module tells by itself what it takes."""
    return isinstance(module, tuple(kind for kinds, _ in _READERS for kind in kinds))


def module_use(module: Any, path: str, value: torch.Tensor, found: Mark, place: int | str) -> Use | None:
    """What a layer of torch.nn says about the tensor that it is given as argument ``place``.

    None for a lazy layer, which takes anything.
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


def functional_use(
    name: str, value: torch.Tensor, weight: torch.Tensor, index: int, found: Mark
) -> Use | None:
    """What a function such as ``F.conv2d`` says about the tensor in its argument ``index``."""
    if name in _CONVOLUTIONS:
        channels = weight.shape[0 if "transpose" in name else 1]
        return describe_use("conv", name, channels, value, found, weight, spatial=weight.dim() - 2)
    if name in _EMBEDDINGS:
        return describe_use("embedding", name, weight.shape[0], value, found, None)
    if name in _PRODUCTS and weight.dim() >= 2 and index == 0:
        channels = weight.shape[-1 if name == "linear" else -2]
        return describe_use("linear", name, channels, value, found, weight)
    return None


Reading = tuple[UseKind, int, dict[str, Any]]


def _convolution(module: Any, _: int | str) -> Reading:
    return "conv", module.in_channels, {"spatial": len(module.kernel_size), "upsamples": module.transposed}


def _attention(module: Any, place: int | str) -> Reading:
    widths = {1: module.kdim, "key": module.kdim, 2: module.vdim, "value": module.vdim}
    return "attention", widths.get(place, module.embed_dim), {"batch_first": module.batch_first}


def _batch_norm(module: Any, _: int | str) -> Reading:
    digit = type(module).__name__[-2:-1]  # BatchNorm1d
    return "norm", module.num_features, {"spatial": int(digit) if digit.isdigit() else 2}


def _recurrent(module: Any, _: int | str) -> Reading:
    return "recurrent", module.input_size, {"batch_first": module.batch_first}


def _layer_norm(module: Any, _: int | str) -> Reading:
    return "norm", module.normalized_shape[-1], {"shape": tuple(module.normalized_shape)}


_READERS: tuple[tuple[tuple[type[nn.Module], ...], Callable[[Any, int | str], Reading]], ...] = (
    ((nn.modules.conv._ConvNd,), _convolution),
    ((nn.Linear,), lambda module, _: ("linear", module.in_features, {})),
    ((nn.Embedding, nn.EmbeddingBag), lambda module, _: ("embedding", module.num_embeddings, {})),
    ((nn.RNNBase,), _recurrent),
    ((nn.RNNCellBase,), lambda module, _: ("linear", module.input_size, {})),
    ((nn.MultiheadAttention,), _attention),
    ((nn.TransformerEncoderLayer, nn.TransformerDecoderLayer), lambda m, _: _attention(m.self_attn, 0)),
    ((nn.Transformer,), lambda m, _: ("attention", m.d_model, {"batch_first": m.batch_first})),
    ((nn.modules.batchnorm._NormBase,), _batch_norm),
    ((nn.LayerNorm,), _layer_norm),
    ((nn.GroupNorm,), lambda module, _: ("norm", module.num_channels, {"spatial": 2})),
)


def describe_use(
    kind: UseKind,
    layer: str,
    channels: int,
    value: torch.Tensor,
    found: Mark,
    weight: torch.Tensor | None,
    **more: Any,
) -> Use:
    """The use that a layer makes of ``value``; ``found`` tells how it got there."""
    shared = len(found.names) if found.concatenated else 1
    dtype = "int64" if kind == "embedding" else "float32"
    if kind != "embedding" and weight is not None and weight.dtype.is_floating_point:
        dtype = str(weight.dtype).removeprefix("torch.")
    return Use(
        kind,
        layer,
        channels - found.extra if channels > found.extra else channels,
        rank_shift=0 if found.reshaped else value.dim() - found.rank,
        reshaped=found.reshaped,
        transposed=found.transposed,
        shared_by=shared,
        dtype=dtype,
        **more,
    )


def fitting(value: torch.Tensor, use: Use, extra: int = 0) -> torch.Tensor:
    """An unmarked tensor that the layer accepts, as much like ``value`` as possible."""
    shape = list(value.shape)
    wanted = use.channels + extra
    if use.kind == "embedding":
        shape = shape if len(shape) <= 2 else [1, 16]
        return torch.zeros(shape, dtype=torch.int64, device=value.device)
    if use.kind == "conv" or (use.kind == "norm" and use.spatial > 1):
        rank = use.spatial + 2
        shape = shape if len(shape) == rank else [1, 0, *[shape[-1] if shape else 16] * use.spatial]
        shape[1] = wanted
    elif use.kind == "norm" and not use.shape:
        shape = [shape[0], wanted, *shape[2:3]] if len(shape) > 1 else [1, wanted]
    elif use.kind in ("recurrent", "attention"):
        shape = [*shape[:2], wanted] if len(shape) >= 3 else [*[1, 16, 1][: max(len(shape), 2)], 0]
        shape = [*shape[:-1], wanted] if len(shape) == 3 else [1, 16, wanted]
    elif use.kind == "norm":
        lead = shape[: -len(use.shape)] or [1]
        shape = [*lead, *use.shape]
    else:
        shape = [1, wanted] if use.reshaped and len(shape) < 3 else [*shape[:-1], wanted]
    return torch.zeros(shape, dtype=getattr(torch, use.dtype), device=value.device)
