"""Checks that kernels make and their meta-device counterparts leave out.

Found by running one misfit of every kind on all backends (tests/tracing/test_recovery_everywhere.py): without
values a transposed convolution takes any number of channels. The LSTM of the CPU reads beyond an input of
another width than its weights without a word, once the check of ``nn.LSTM`` itself is out of the way. Until
torch 2.10, a convolution whose kernel is larger than its padded input gives an empty result without values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from skiplint.tracing.calls import Call
from skiplint.tracing.recurrent import asked_by_weights
from skiplint.tracing.shape_only import shape_only

_TRANSPOSED = frozenset({torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d})
_CONVOLUTIONS = frozenset({torch.conv1d, torch.conv2d, torch.conv3d})
_CONVOLUTION_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation")
_RECURRENT = frozenset({torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu})


def assert_fits(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Fail as the real kernel would.

    Raises:
        RuntimeError: the input of a transposed convolution has other channels than its weights, that of a
            recurrent layer other features, or that of a convolution is smaller than its kernel.
    """
    if function in _TRANSPOSED:
        _assert_channels(args, kwargs)
    elif function in _CONVOLUTIONS:
        _assert_room(args, kwargs)
    elif function in _RECURRENT:
        _assert_features(Call(function, args, kwargs))


def _assert_channels(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    data = args[0] if args else kwargs.get("input")
    weight = args[1] if len(args) > 1 else kwargs.get("weight")
    if not isinstance(data, Tensor) or not isinstance(weight, Tensor):
        return
    axis = data.dim() - weight.dim() + 1
    if axis in (0, 1) and data.shape[axis] != weight.shape[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.shape)}, expected input{list(data.shape)} to "
            f"have {weight.shape[0]} channels, but got {data.shape[axis]} channels instead"
        )


def _assert_room(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    given = {"padding": 0, "dilation": 1, **dict(zip(_CONVOLUTION_ARGUMENTS, args, strict=False)), **kwargs}
    data, weight, padding = given.get("input"), given.get("weight"), given["padding"]
    if not isinstance(data, Tensor) or not isinstance(weight, Tensor) or padding == "same":
        return
    kernel = tuple(weight.shape[2:])
    paddings = _each(0 if padding == "valid" else padding, len(kernel))
    dilations = _each(given["dilation"], len(kernel))
    padded = [
        size + 2 * pad for size, pad in zip(data.shape[data.dim() - len(kernel) :], paddings, strict=True)
    ]
    reach = [each * (size - 1) + 1 for each, size in zip(dilations, kernel, strict=True)]
    if any(own < wanted for own, wanted in zip(padded, reach, strict=True)):
        sizes = (" x ".join(map(str, numbers)) for numbers in (padded, reach))
        raise RuntimeError(
            "Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater "
            "than actual input size".format(*sizes)
        )


def _each(value: Any, count: int) -> tuple[int, ...]:
    """A setting of a convolution for each axis."""
    items = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return items * count if len(items) == 1 else items


def _assert_features(call: Call) -> None:
    for place, shape in asked_by_weights(call).items():
        if call.shapes[place] != shape:
            what = f"state {place}" if place else "input"
            raise RuntimeError(f"Expected {what} of size {list(shape)}, got {list(call.shapes[place])}")


class Strict(TorchFunctionMode):
    """Makes the same checks in a run that is not recorded, where shapes are all that counts."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        assert_fits(func, args, kwargs or {})
        result = shape_only(func, args, kwargs or {})
        if result is not None:
            return result
        return func(*args, **(kwargs or {}))
