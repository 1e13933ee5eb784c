"""Names of torch functions and torch-free copies of their arguments."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import torch

from skiplint.graph import OperandRef

_SPELLINGS = {
    "iadd": "add_",
    "isub": "sub_",
    "imul": "mul_",
    "itruediv": "div_",
    "idiv": "div_",
    "ipow": "pow_",
    "imatmul": "matmul_",
    "radd": "add",
    "rsub": "sub",
    "rmul": "mul",
    "rtruediv": "div",
    "rdiv": "div",
    "rmatmul": "matmul",
    "rpow": "pow",
    "truediv": "div",
    "true_divide": "div",
    "divide": "div",
    "divide_": "div_",
    "multiply": "mul",
    "multiply_": "mul_",
    "subtract": "sub",
    "subtract_": "sub_",
    "concat": "cat",
    "concatenate": "cat",
    "iter": "unbind",
    "invert": "bitwise_not",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "iand": "bitwise_and_",
    "ior": "bitwise_or_",
    "ixor": "bitwise_xor_",
}


def function_name(function: Any) -> str:
    """The canonical name of a torch function: ``add_`` for ``Tensor.__iadd__``, ``cat`` for ``torch.concat``.

    Property getters are named after the property (``T``, ``data``), operators of ``torch.ops`` after
    their schema without overload.
    """
    if isinstance(function, torch._ops.OpOverload):
        name = function._schema.name.rsplit("::", 1)[-1]
    elif isinstance(function, torch._ops.OpOverloadPacket):
        name = function._qualified_op_name.rsplit("::", 1)[-1]
    else:
        name = getattr(function, "__name__", type(function).__name__)
        if name == "__get__":
            name = getattr(getattr(function, "__self__", None), "__name__", name)
    if name.startswith("__") and name.endswith("__"):
        name = name[2:-2]
    return _SPELLINGS.get(name, name)


def plain(value: Any) -> Any:
    """``value`` without live torch objects, so that a graph can be stored: dtypes become their names."""
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
