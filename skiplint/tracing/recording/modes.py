"""The two places where a running forward is overheard.

The function mode sees calls as the author wrote them (``conv2d``, ``x += y``). The dispatch mode sees
what reaches the kernels: which memory a call really writes, and the operations of regions that no
function mode can look into (TorchScript, ``torch.func`` transforms, C++ extensions), which are then
recorded at that level so that the data flow has no gap.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from skiplint.tracing.execution.autocast import assert_no_region
from skiplint.tracing.execution.errors import SHAPE_ERRORS
from skiplint.tracing.recording.composites import opened
from skiplint.tracing.recording.recorder import Recorder

_QUIET_PROPERTIES = frozenset(
    "shape dtype device ndim requires_grad is_meta layout is_leaf is_cuda is_cpu is_sparse is_quantized "
    "grad_fn itemsize nbytes name names is_nested is_mps is_xpu is_xla is_mkldnn is_sparse_csr "
    "retains_grad output_nr volatile _version grad _grad _backward_hooks is_complex".split()
)
_QUIET_METHODS = frozenset(
    "size dim stride numel nelement is_contiguous is_floating_point is_complex storage_offset data_ptr "
    "element_size get_device type_as is_set_to storage untyped_storage __len__ __hash__ __repr__ "
    "__format__ has_names is_inference is_same_size requires_grad_ register_hook is_signed".split()
) - {"type_as"}


_PLAIN = (torch.Tensor, torch.nn.Parameter)


def _is_quiet(function: Any) -> bool:
    """Calls that make no tensor and write none; they are the majority in Python-heavy models."""
    name = getattr(function, "__name__", "")
    if name in ("__get__", "__set__", "__delete__"):
        return getattr(getattr(function, "__self__", None), "__name__", "") in _QUIET_PROPERTIES
    return name in _QUIET_METHODS


class FunctionMode(TorchFunctionMode):
    """Hands every torch function call to the recorder."""

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
    """Tells the recorder of kernels' writes, and of kernels that no recorded call accounts for."""

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
