"""Checks that the kernels of the CPU make and those of the meta device leave out.

Found by running one misfit of every kind on all backends
(tests/tracing/recovery/test_recovery_everywhere.py): without values a transposed convolution takes any number
of channels. The LSTM of the CPU silently reads beyond an input of another width than its weights, once the
check of ``nn.LSTM`` itself is out of the way. In torch 2.9 a convolution whose kernel is larger than its
padded input gives an empty result without values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from skiplint.tracing.execution.shape_only import shape_only
from skiplint.tracing.recovery.calls import Call
from skiplint.tracing.recovery.recurrent import asked_by_weights

_TRANSPOSED = frozenset({torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d})
_CONVOLUTIONS = frozenset({torch.conv1d, torch.conv2d, torch.conv3d})
_RECURRENT = frozenset({torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu})


def called(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The result of the call; it fails where the kernel of the CPU would.

    Raises:
        RuntimeError: as :func:`assert_fits`, or the input of a convolution is smaller than its kernel.
    """
    assert_fits(function, args, kwargs)
    result = function(*args, **kwargs)
    if function in _CONVOLUTIONS:
        _assert_room(result, Call(function, args, kwargs).argument(0, "input"))
    return result


def assert_fits(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Fail where the kernel of the CPU would, before the call.

    Raises:
        RuntimeError: the input of a transposed convolution has other channels than its weights, or that of
            a recurrent layer other features.
    """
    if function in _TRANSPOSED:
        _assert_channels(args, kwargs)
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


def _assert_room(result: Any, data: Any) -> None:
    if isinstance(result, Tensor) and isinstance(data, Tensor) and data.numel() and not result.numel():
        sizes = f"{list(data.shape)} gives {list(result.shape)}"
        raise RuntimeError(f"Kernel size can't be greater than actual input size: {sizes}")


def _assert_features(call: Call) -> None:
    for place, shape in asked_by_weights(call).items():
        if call.shapes[place] != shape:
            what = f"state {place}" if place else "input"
            raise RuntimeError(f"Expected {what} of size {list(shape)}, got {list(call.shapes[place])}")


class Strict(TorchFunctionMode):
    """Makes the same checks in a run that is not recorded and only checks shapes."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = shape_only(func, args, kwargs or {})
        return called(func, args, kwargs or {}) if result is None else result
