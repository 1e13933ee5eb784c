"""Weight initialisation made a no-op while a model is built: its values are never looked at."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

# In-place methods that change what a tensor is and not the numbers in it.
_STRUCTURAL = frozenset(
    "requires_grad_ detach_ resize_ resize_as_ set_ t_ transpose_ swapaxes_ swapdims_ squeeze_ unsqueeze_ "
    "share_memory_ retain_grad as_strided_ swapaxes_ rename_ apply_ map_".split()
)
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
        if _writes(name) and name not in _STRUCTURAL and _is_parameter(subject):
            return subject
        if self._readable and func is torch.linspace and kwargs.get("device") is None:
            kwargs = {**kwargs, "device": "cpu"}
        result = func(*args, **kwargs)
        if isinstance(result, torch.Tensor) and _is_alias(name, func) and _is_parameter(subject):
            setattr(result, _MARK, True)
        return result


def _writes(name: str) -> bool:
    return (name.endswith("_") and not name.endswith("__")) or name == "__setitem__"


def _is_alias(name: str, func: Any) -> bool:
    """Whether the call gives another tensor on the same memory that has lost its base."""
    return name == "detach" or (name == "__get__" and getattr(func, "__self__", None) is torch.Tensor.data)


def _is_parameter(value: Any) -> bool:
    if not isinstance(value, torch.Tensor):
        return False
    if isinstance(value, nn.Parameter) or getattr(value, _MARK, False):
        return True
    base = value._base
    return isinstance(base, nn.Parameter) or (base is not None and getattr(base, _MARK, False))
