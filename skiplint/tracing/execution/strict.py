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

from skiplint.operators import Family, members
from skiplint.tracing.execution.shape_only import shape_only
from skiplint.tracing.recovery.calls import Call
from skiplint.tracing.recovery.recurrent import asked_by_weights


def _functions(family: Family) -> frozenset[Any]:
    names = (name for op in members(family) for name in op.spellings)
    return frozenset(getattr(torch, name) for name in names if hasattr(torch, name))


_CONVOLUTIONS, _TRANSPOSED = _functions(Family.CONVOLUTION), _functions(Family.TRANSPOSED)
_LAYERS_OF_CELLS = _functions(Family.RECURRENT) - _functions(Family.CELL)


def called(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run a call and return its result; it fails where the kernel on real tensors would.

    Raises:
        RuntimeError: as :func:`assert_fits` does, or the input of a convolution is smaller than its kernel.
    """
    assert_fits(function, args, kwargs)
    result = function(*args, **kwargs)
    if function in _CONVOLUTIONS:
        _assert_room(result, _operand(0, "input", args, kwargs))
    return result


def assert_fits(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raise the error of the kernel on real tensors, before the call.

    Raises:
        RuntimeError: the input of a transposed convolution has other channels than its weights, or that of
            a recurrent layer other features.
    """
    if function in _TRANSPOSED:
        _assert_channels(args, kwargs)
    elif function in _LAYERS_OF_CELLS:
        _assert_features(Call(function, args, kwargs))


def _operand(position: int, keyword: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    return args[position] if position < len(args) else kwargs.get(keyword)


def _assert_channels(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    data, weight = _operand(0, "input", args, kwargs), _operand(1, "weight", args, kwargs)
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
