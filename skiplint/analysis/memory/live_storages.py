"""The memory that running calls make, followed from birth to death."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import cache
from typing import TYPE_CHECKING, Any

from skiplint.analysis.memory.replay import storage_key, storage_size, tensors_in

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
        """Follows the storages that calls make."""

        def __init__(self, held: AbstractSet[int]) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self._held = held
            self._live: dict[int, tuple[Any, int]] = {}
            self.peak = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            for key in [key for key, (weak, _) in self._live.items() if weak.expired()]:
                del self._live[key]
            for tensor in tensors_in(result):
                if storage_key(tensor) not in self._held and storage_key(tensor) not in self._live:
                    self._live[storage_key(tensor)] = _watched(tensor)
            self.peak = max(self.peak, sum(size for _, size in self._live.values()))
            return result

    return LiveStorages


def _watched(tensor: Tensor) -> tuple[Any, int]:
    from torch.multiprocessing.reductions import StorageWeakRef

    return StorageWeakRef(tensor.untyped_storage()), storage_size(tensor)  # type: ignore[no-untyped-call]
