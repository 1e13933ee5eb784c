"""The memory that a call would take, told before it is paid."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from skiplint.operators.names import is_query

LARGEST = 2**31
"""Bytes: a trial on real values makes no larger tensor. A search makes many trials, most of them wrong."""
_SMALL = 2**18
"""Elements: operands with fewer in all rarely make a large result, and to ask costs more than the call."""


class TooLargeError(RuntimeError):
    """A call of a trial would make a larger tensor than is allowed."""


class Bounded(TorchFunctionMode):
    """Refuses calls on real tensors whose result would be larger than :data:`LARGEST`."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        operands = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        asks = name != "__get__" and not is_query(name, is_property=False)
        if asks and sum(value.numel() for value in operands if not value.is_nested) > _SMALL:
            size = _result_bytes(func, args, kwargs)
            if size > LARGEST:
                raise TooLargeError(f"{name} would make a tensor of {size / 2**30:.1f} GiB")
        return func(*args, **kwargs)


def _result_bytes(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The bytes of the largest result, from the call without values; 0 where it cannot be told."""
    twins = tree_map_only(
        Tensor, lambda each: torch.empty_strided(each.shape, each.stride(), dtype=each.dtype, device="meta"),
        (args, kwargs),
    )  # fmt: skip
    try:
        result = func(*twins[0], **twins[1])
    except Exception:  # The call needs values, or fails by itself in a moment.
        return 0
    return max((each.nbytes for each in tree_leaves(result) if isinstance(each, Tensor)), default=0)
