"""``cuda``, ``mps`` and ``xpu`` in the user's code mean the device on which the code is run.

A model that moves its tensors to a GPU is imported, built and traced on the meta device or on the CPU, with
or without a driver. This module is only imported where torch is.
"""

from __future__ import annotations

import contextlib
import functools
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


_open: list[bool] = []
"""What each open :func:`_answers` says of CUDA; with none, functions that libraries keep work as before."""


def _gives(original: Any, value: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def answer(*args: Any, **kwargs: Any) -> Any:
        if not _open:
            return original(*args, **kwargs)
        return value() if callable(value) else value

    return answer


def _makes_nothing(original: Any) -> type:
    """A class in place of ``original``, which makes objects that do nothing."""

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, _Nothing) or (
                isinstance(original, type) and isinstance(instance, original)
            )

        def __getattr__(cls, name: str) -> Any:
            return getattr(original, name)

    class Replaced(metaclass=Kind):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return _Nothing() if _open else original(*args, **kwargs)

    return Replaced


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


_VALUES: dict[str, Any] = {
    "is_initialized": False,
    "is_bf16_supported": False,
    "get_device_name": "cpu",
    "get_device_capability": (0, 0),
    "get_device_properties": _PROPERTIES,
    "mem_get_info": (0, 0),
    "get_rng_state": torch.get_rng_state,
    "get_rng_state_all": list,
    "set_rng_state": None,
    "set_rng_state_all": None,
    **dict.fromkeys(_DONE),
    **dict.fromkeys(_COUNTED, 0),
}
_PROFILER_MARKS = ("range_push", "range_pop", "mark", "range_start", "range_end")


def _changes(available: bool) -> Iterator[tuple[Any, str, Any]]:
    """(module, name, value) of what is changed."""
    given = {**_VALUES, "is_available": available, "device_count": int(available)}
    functions = [(torch.cuda, name, value) for name, value in given.items()]
    functions += [(torch.cuda.nvtx, name, None) for name in _PROFILER_MARKS]
    functions += [(torch.backends.mps, "is_available", False), (torch.xpu, "is_available", False)]
    if hasattr(torch, "accelerator"):
        functions += [
            (torch.accelerator, "is_available", False),
            (torch.accelerator, "current_accelerator", None),
        ]
    for module, name, value in functions:
        if hasattr(module, name):
            yield module, name, _gives(getattr(module, name), value)
    for module, name in [*((torch.cuda, name) for name in _OBJECTS), (torch.cuda.nvtx, "range")]:
        if hasattr(module, name):
            yield module, name, _makes_nothing(getattr(module, name))
    for name in _TYPES:
        yield torch.cuda, name, getattr(torch, name)


@contextlib.contextmanager
def _answers(available: bool) -> Iterator[None]:
    """Inside, ``torch.cuda`` and its like answer without a driver."""
    with contextlib.ExitStack() as stack:
        for module, name, value in list(_changes(available)) if _differs(available) else ():
            stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, value)
        _open.append(available)
        try:
            yield
        finally:
            _open.pop()


def _differs(available: bool) -> bool:
    """Whether the answers that are given already are others."""
    return not _open or _open[-1] is not available
