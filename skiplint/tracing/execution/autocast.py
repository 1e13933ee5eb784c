"""``torch.autocast`` regions in a trace, which runs on the CPU or on no device at all.

Autocast affects the tensors of its device only, so while a trace runs on the CPU, regions for an accelerator
apply to the CPU. There autocast casts the same convolutions, linear layers and matrix products, but leaves
norms and softmax in the lower precision where CUDA uses float32. On the meta device autocast does nothing, so
a forward that opens a region is traced with fake tensors.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from skiplint.tracing.execution.errors import BackendLimitError

_lock = threading.Lock()
_open: list[Any] = []
"""``torch.autocast.__init__``, once for each running trace."""
_thread = threading.local()


class AutocastWithoutDeviceError(BackendLimitError):
    """An autocast region was met on the meta device, where it does nothing."""


def assert_no_region() -> None:
    """Fail inside an autocast region.

    Raises:
        AutocastWithoutDeviceError: there is one.
    """
    if torch.is_autocast_enabled("cpu"):
        raise AutocastWithoutDeviceError("autocast does nothing on the meta device")


@contextmanager
def regions_followed(devices: Collection[str]) -> Iterator[None]:
    """Inside, autocast regions for other devices than ``devices``, those of the model, apply to the CPU.

    Meanwhile the constructor of ``torch.autocast`` is replaced; in other threads it works as before.
    """
    before = getattr(_thread, "devices", None)
    with _lock:
        if not _open:
            _open.append(torch.autocast.__init__)
            torch.autocast.__init__ = _init  # type: ignore[method-assign]
        else:
            _open.append(_open[0])
    _thread.devices = frozenset({"cpu", "meta", *devices})
    try:
        yield
    finally:
        _thread.devices = before
        with _lock:
            original = _open.pop()
            if not _open:
                torch.autocast.__init__ = original  # type: ignore[method-assign]


def _init(
    self: Any, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: Any = None
) -> None:
    devices = getattr(_thread, "devices", None)
    if devices is not None and isinstance(device_type, str) and device_type not in devices:
        dtype = torch.get_autocast_dtype(device_type) if dtype is None else dtype
        device_type = "cpu"
    original = _open[0] if _open else torch.autocast.__init__
    original(self, device_type, dtype, enabled, cache_enabled)
