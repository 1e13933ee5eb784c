"""The two modes of torch through which a running forward is recorded.

The function mode sees calls as the author wrote them (``conv2d``, ``x += y``). The dispatch mode sees the
kernels that they run: which memory a call writes, and the operations of code that no function mode sees
(TorchScript, ``torch.func`` transforms, C++ extensions). Those are recorded as kernels, so that the data
flow has no gap.
"""

from __future__ import annotations

import types
from functools import cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from skiplint.operators.names import is_query
from skiplint.tracing.execution.autocast import assert_no_region
from skiplint.tracing.execution.errors import SHAPE_ERRORS
from skiplint.tracing.recording.composites import opened
from skiplint.tracing.recording.recorder import Recorder

_PLAIN = (torch.Tensor, torch.nn.Parameter)


def _is_quiet(function: Any) -> bool:
    """Whether a call makes no tensor and writes none, as most calls in Python-heavy models."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, (types.GetSetDescriptorType, property)):  # a property is read or set
        return is_query(getattr(owner, "__name__", ""), is_property=True)
    return is_query(getattr(function, "__name__", ""), is_property=False)


class FunctionMode(TorchFunctionMode):
    """Passes every call of a torch function to the recorder."""

    def __init__(self, recorder: Recorder, *, on_meta: bool = False) -> None:
        super().__init__()
        self._recorder = recorder
        self._on_meta = on_meta

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if _is_quiet(func):
            return func(*args, **kwargs)
        if self._on_meta:
            assert_no_region()
        body = opened(func) if all(kind in _PLAIN for kind in types) else None
        if body is None:
            return self._recorder.call(func, args, kwargs)
        try:
            with self:
                return body(*args, **kwargs)
        except SHAPE_ERRORS:
            if not self._recorder.recovers:
                raise
        return self._recorder.call(func, args, kwargs)  # its own check of shapes failed: repair it whole


@cache
def _written_arguments(function: Any) -> tuple[tuple[int, str], ...]:
    return tuple(
        (position, argument.name)
        for position, argument in enumerate(function._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )


class DispatchMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tells the recorder which tensors kernels write, and of kernels that run outside of a recorded call."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._recorder = recorder

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        recorder = self._recorder
        if not recorder.inside:
            return recorder.call(func, args, kwargs, written=self._written(func, args, kwargs))
        result = func(*args, **kwargs)
        recorder.wrote(self._written(func, args, kwargs))
        return result

    @staticmethod
    def _written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
        found: list[torch.Tensor] = []
        for position, name in _written_arguments(func):
            value = args[position] if position < len(args) else kwargs.get(name)
            if isinstance(value, torch.Tensor):
                found.append(value)
            elif isinstance(value, (list, tuple)):
                found.extend(item for item in value if isinstance(item, torch.Tensor))
        return found
