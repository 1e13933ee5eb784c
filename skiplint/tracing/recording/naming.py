"""Names of live torch functions, and copies of their arguments without torch."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import torch

from skiplint.graph import OperandRef
from skiplint.operators.names import recorded_name


def function_name(function: Any) -> str:
    """Return the name under which a trace records a torch function: ``add_`` for ``Tensor.__iadd__``.

    A property getter has the name of its property (``T``, ``data``), an operator of ``torch.ops`` the name
    of its schema without the overload.
    """
    if isinstance(function, torch._ops.OpOverload):
        name = function._schema.name.rsplit("::", 1)[-1]
    elif isinstance(function, torch._ops.OpOverloadPacket):
        name = function._qualified_op_name.rsplit("::", 1)[-1]
    else:
        name = getattr(function, "__name__", type(function).__name__)
        if name == "__get__":
            name = getattr(getattr(function, "__self__", None), "__name__", name)
    return recorded_name(name)


def plain(value: Any) -> Any:
    """Return a copy of ``value`` without live torch objects, fit to be stored: a dtype becomes its name."""
    if value is None or isinstance(value, (bool, int, float, str, complex, OperandRef, types.EllipsisType)):
        return value
    if isinstance(value, slice):
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    if isinstance(value, (list, tuple)):
        return tuple(plain(item) for item in value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, (torch.device, torch.layout, torch.memory_format)):
        return str(value)
    if hasattr(value, "item") and not isinstance(value, torch.Tensor) and getattr(value, "shape", None) == ():
        return value.item()  # a numpy scalar
    return f"<{type(value).__name__}>"
