"""The memory that running calls make, followed from birth to death."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import cache
from typing import TYPE_CHECKING, Any

from skiplint.tracing.replay.replay import storage_key, storage_size, tensors_in

if TYPE_CHECKING:
    from torch import Tensor


def live_storages(held: AbstractSet[int] = frozenset()) -> Any:
    """A context in which the storages that calls make are followed; ``peak`` is the most bytes at once.

    ``held`` are the keys of storages that are there anyway.
    """
    return _mode()(held)


@cache
def _mode() -> Any:
    from torch.utils._python_dispatch import TorchDispatchMode

    class LiveStorages(TorchDispatchMode):  # type: ignore[misc]
        """Follows the storages that calls make, and not those that they only hand on."""

        def __init__(self, held: AbstractSet[int]) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self._held = held
            self._live: dict[int, tuple[Any, int]] = {}
            self.peak = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            given = {storage_key(tensor) for tensor in tensors_in((args, kwargs or {}))} | self._held
            result = func(*args, **(kwargs or {}))
            for key in [key for key, (weak, _) in self._live.items() if weak.expired()]:
                del self._live[key]
            for tensor in tensors_in(result):
                if storage_key(tensor) not in given and storage_size(tensor):
                    self._live[storage_key(tensor)] = _watched(tensor)
            self.peak = max(self.peak, self.bytes())
            return result

        def bytes(self) -> int:
            """Bytes of the storages that are there now."""
            return sum(size for weak, size in self._live.values() if not weak.expired())

    return LiveStorages


def _watched(tensor: Tensor) -> tuple[Any, int]:
    from torch.multiprocessing.reductions import StorageWeakRef

    return StorageWeakRef(tensor.untyped_storage()), storage_size(tensor)  # type: ignore[no-untyped-call]
