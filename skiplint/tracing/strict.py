"""Checks that kernels make and their meta-device counterparts leave out.

Found by running one misfit of every kind on all backends (tests/tracing/test_recovery_everywhere.py): without
values a transposed convolution takes any number of channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_TRANSPOSED = frozenset({torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d})


def assert_fits(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Fail as the real kernel would.

    Raises:
        RuntimeError: the input of a transposed convolution has other channels than its weights.
    """
    if function not in _TRANSPOSED:
        return
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


class Strict(TorchFunctionMode):
    """Makes the same checks in a run that is not recorded."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        assert_fits(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))
