"""Which memory running calls allocate, and what autograd saves of it for the backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from skiplint.tracing.recording.storages import storage_key, storage_size
from skiplint.tracing.recording.trees import tensors_in


class LiveStorages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows the storages that calls allocate; those that they only hand on do not count."""

    def __init__(self, held: AbstractSet[int] = frozenset()) -> None:
        """``held`` are the keys of storages that are there anyway."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._held = held
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0
        """The most bytes at once."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = {storage_key(tensor) for tensor in tensors_in(args, kwargs or {})} | self._held
        result = func(*args, **(kwargs or {}))
        for key in [key for key, (weak, _) in self._live.items() if _is_gone(weak)]:
            del self._live[key]
        for tensor in tensors_in(result):
            size = storage_size(tensor)
            if size and storage_key(tensor) not in given:
                weak = StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
                self._live[storage_key(tensor)] = weak, size
        self.peak = max(self.peak, self.bytes())
        return result

    def bytes(self) -> int:
        """Bytes of the storages that are there now."""
        return sum(size for weak, size in self._live.values() if not _is_gone(weak))


def _is_gone(weak: StorageWeakRef) -> bool:
    return bool(weak.expired())  # type: ignore[no-untyped-call]


@contextmanager
def saved_for_backward() -> Iterator[list[Tensor]]:
    """Yield a list that gets, without their history, the tensors that autograd saves inside."""
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor.detach())  # the tensor itself would hold the node that holds it
        return saved[-1]

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept):
        yield saved
