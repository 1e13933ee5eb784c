"""``torch.autocast`` regions in a trace, which runs on the CPU or on no device at all.

Autocast acts on the tensors of its device only. A region for an accelerator would leave a trace on the CPU
as it is, so while a trace runs such regions count for the CPU. The CPU casts the same convolutions, linear
layers and matrix products; it keeps norms and softmax in the lower precision where CUDA raises them. On the
meta device autocast does nothing, so a forward that opens a region is traced with fake tensors instead.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch

_lock = threading.Lock()
_open: list[Any] = []
"""``torch.autocast.__init__`` once for each trace that runs now."""
_thread = threading.local()


class AutocastWithoutDeviceError(NotImplementedError):
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
    """Inside, regions for devices other than ``devices``, where the model is, count for the CPU.

    The constructor of ``torch.autocast`` is another one meanwhile; it does as before in other threads.
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
