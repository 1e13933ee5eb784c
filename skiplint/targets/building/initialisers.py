"""Weight initialisation made a no-op while a model is built: its values are never looked at."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from skiplint.operators import Family, op_of
from skiplint.operators.names import is_in_place

_STRUCTURAL = (Family.TENSOR_STATE, Family.DETACHED, Family.AXIS_MOVE, Family.RESHAPE)
"""In place these change what a tensor is and not the numbers in it."""
_MARK = "_skiplint_parameter_data"


class SkipInitialisers(TorchFunctionMode):
    """In-place writes into parameters return at once, whoever asks for them.

    This covers torch.nn.init and every home-made initialiser, since all of them end in methods such as
    ``uniform_`` or ``copy_`` of a parameter, of its ``.data`` or of a slice of it. Writes into buffers and
    plain tensors are made: a constructor may read those again.

    With ``readable``, ``torch.linspace`` gives real numbers on any device: drop-path rates are taken from it
    with ``.item()`` in many constructors, which the meta device cannot answer.
    """

    def __init__(self, *, readable: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._readable = readable

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        # torch.nn.init hands itself over as a whole, with its tensor by name.
        subject = args[0] if args else kwargs.get("tensor")
        op = op_of(name)
        if is_in_place(name) and not op.is_a(*_STRUCTURAL) and _is_parameter(subject):
            return subject
        if self._readable and func is torch.linspace and kwargs.get("device") is None:
            kwargs = {**kwargs, "device": "cpu"}
        result = func(*args, **kwargs)
        if isinstance(result, torch.Tensor) and _is_alias(name, func) and _is_parameter(subject):
            setattr(result, _MARK, True)
        return result


def _is_alias(name: str, func: Any) -> bool:
    """Whether the call gives another tensor on the same memory that has lost its base."""
    read = getattr(getattr(func, "__self__", None), "__name__", "") if name == "__get__" else name
    return op_of(read).is_a(Family.DETACHED) and not is_in_place(read)


def _is_parameter(value: Any) -> bool:
    if not isinstance(value, torch.Tensor):
        return False
    if isinstance(value, nn.Parameter) or getattr(value, _MARK, False):
        return True
    base = value._base
    return isinstance(base, nn.Parameter) or (base is not None and getattr(base, _MARK, False))
