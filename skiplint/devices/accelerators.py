"""``cuda``, ``mps`` and ``xpu`` in the user's code mean the device on which the code is run.

A model that moves its tensors to a GPU is imported, built and traced on the meta device or on the CPU, with
or without a driver. This module is only imported where torch is.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack
from torch.utils._device import DeviceContext

KINDS = frozenset({"cuda", "mps", "xpu", "hpu", "npu", "mlu", "hip", "musa"})
_WRITTEN = re.compile(rf"({'|'.join(sorted(KINDS))})(:\d+)?")
_TENSOR_TYPE = re.compile(rf"torch\.({'|'.join(sorted(KINDS))})\.(\w+Tensor)")
_MOVES = frozenset(getattr(Tensor, kind) for kind in sorted(KINDS) if hasattr(Tensor, kind))
_STAYS = frozenset({Tensor.pin_memory})


@contextlib.contextmanager
def accelerators_followed(keep: Collection[str] = (), *, available: bool = False) -> Iterator[None]:
    """Inside, accelerators mean the default device, and questions about them have harmless answers.

    Args:
        keep: kinds of devices that stay what they are, such as those of a model that is really on one.
        available: what ``torch.cuda.is_available()`` says.
    """
    kinds = KINDS.difference(keep)
    with contextlib.ExitStack() as stack:
        if "cuda" in kinds:
            stack.enter_context(_answers(available))
        stack.enter_context(_Followed(kinds))
        yield


class _Followed(TorchFunctionMode):
    """Replaces accelerators among the arguments of calls by the default device."""

    def __init__(self, kinds: frozenset[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._kinds = kinds

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _MOVES and func.__name__ in self._kinds:
            return args[0].to(args[0].device)
        if func in _STAYS and self._kinds >= {"cuda"}:
            return args[0]
        if func is Tensor.type and len(args) > 1 and isinstance(args[1], str):
            return func(args[0], _TENSOR_TYPE.sub(r"torch.\2", args[1]), **kwargs)
        if args and any(map(self._is_accelerator, args)):
            here = self._here(args[0])
            args = tuple(here if self._is_accelerator(value) else value for value in args)
        if kwargs:
            device = kwargs.get("device")
            if self._is_accelerator(device) or _is_index(device):
                kwargs = {**kwargs, "device": self._here(args[0] if args else None)}
        if func is Tensor.to and len(args) > 1 and _is_index(args[1]):
            args = (args[0], args[0].device, *args[2:])
        return func(*args, **kwargs)

    def _is_accelerator(self, value: object) -> bool:
        if isinstance(value, torch.device):
            return value.type in self._kinds
        if not isinstance(value, str):
            return False
        found = _WRITTEN.fullmatch(value)
        return found is not None and found[1] in self._kinds

    def _here(self, subject: object) -> torch.device:
        """Where the tensor is that is moved; where tensors are made, if ``subject`` is none."""
        if isinstance(subject, Tensor):
            return subject.device
        for mode in reversed(_get_current_function_mode_stack()):  # type: ignore[no-untyped-call]
            if isinstance(mode, DeviceContext) and mode.device.type not in self._kinds:
                return mode.device
        return torch.device("cpu")


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class _Nothing:
    """A stream, an event or a device of which nothing comes; also a context manager and a decorator."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()

    def __call__(self, *args: Any, **_: Any) -> Any:
        return args[0] if len(args) == 1 and callable(args[0]) else self

    def __enter__(self) -> _Nothing:  # noqa: PYI034 - typing.Self is of Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _gives(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


_DONE = (
    "synchronize empty_cache init set_device manual_seed manual_seed_all seed seed_all ipc_collect "
    "set_stream reset_peak_memory_stats reset_max_memory_allocated reset_max_memory_cached "
    "set_per_process_memory_fraction set_sync_debug_mode"
).split()
_COUNTED = (
    "current_device memory_allocated max_memory_allocated memory_reserved max_memory_reserved memory_cached "
    "max_memory_cached utilization"
).split()
_OBJECTS = (
    "Stream Event ExternalStream CUDAGraph device device_of stream current_stream default_stream graph"
).split()
_PROPERTIES = SimpleNamespace(
    name="cpu", major=0, minor=0, total_memory=0, multi_processor_count=1, gcnArchName="", warp_size=32
)
_TYPES = [name for name in vars(torch.cuda) if name.endswith("Tensor") and hasattr(torch, name)]


def _changes(available: bool) -> Iterator[tuple[Any, str, Any]]:
    """(module, name, value) of what is changed."""
    yield torch.cuda, "is_available", _gives(available)
    yield torch.cuda, "device_count", _gives(int(available))
    yield torch.cuda, "is_initialized", _gives(False)
    yield torch.cuda, "is_bf16_supported", _gives(False)
    yield torch.cuda, "get_device_name", _gives("cpu")
    yield torch.cuda, "get_device_capability", _gives((0, 0))
    yield torch.cuda, "get_device_properties", _gives(_PROPERTIES)
    yield torch.cuda, "mem_get_info", _gives((0, 0))
    yield torch.cuda, "get_rng_state", lambda *_, **__: torch.get_rng_state()
    yield torch.cuda, "get_rng_state_all", lambda *_, **__: []
    yield torch.cuda, "set_rng_state", _gives(None)
    yield torch.cuda, "set_rng_state_all", _gives(None)
    for name in _DONE:
        yield torch.cuda, name, _gives(None)
    for name in _COUNTED:
        yield torch.cuda, name, _gives(0)
    for name in _OBJECTS:
        yield torch.cuda, name, _Nothing
    for name in _TYPES:
        yield torch.cuda, name, getattr(torch, name)
    for name in ("range_push", "range_pop", "mark", "range_start", "range_end"):
        yield torch.cuda.nvtx, name, _gives(None)
    yield torch.cuda.nvtx, "range", _Nothing
    yield torch.backends.mps, "is_available", _gives(False)
    yield torch.xpu, "is_available", _gives(False)
    if hasattr(torch, "accelerator"):
        yield torch.accelerator, "is_available", _gives(False)
        yield torch.accelerator, "current_accelerator", _gives(None)


@contextlib.contextmanager
def _answers(available: bool) -> Iterator[None]:
    """Inside, ``torch.cuda`` and its like answer without a driver."""
    with contextlib.ExitStack() as stack:
        for module, name, value in _changes(available):
            if hasattr(module, name):
                stack.callback(setattr, module, name, getattr(module, name))
                setattr(module, name, value)
        yield
