"""The memory that a call takes while it runs and gives back before it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from skiplint.analysis.memory.replay import on_meta, replay, storage_key, storage_size, tensors_in
from skiplint.graph import ModelGraph, Operation

if TYPE_CHECKING:
    from torch import Tensor

# One kernel and its result: not worth a look. A batch norm's statistics have no size in inference.
_NO_WORKSPACE = frozenset(
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d batch_norm relu gelu silu "
    "sigmoid tanh exp add sub mul div neg cat stack avg_pool2d softmax embedding mean sum clone contiguous "
    "arange zeros ones empty interpolate upsample_nearest2d upsample_bilinear2d".split()
)


def find_workspaces(graph: ModelGraph) -> tuple[int, ...]:
    """For each operation the bytes that it needs in inference beyond its results, as torch counts tensors.

    Contiguous copies, attention weights of the unfused form, indices of a pooling that nobody asked for.
    What a kernel allocates outside of tensors is not seen.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    class Allocations(TorchDispatchMode):  # type: ignore[misc]
        """Follows the storages that the running call has made."""

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.live: dict[int, tuple[Any, int]] = {}
            self.peak = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            before = {storage_key(tensor) for tensor in tensors_in((args, kwargs or {}))}
            for key in [key for key, (weak, _) in self.live.items() if weak.expired()]:
                del self.live[key]
            for tensor in tensors_in(result):
                if storage_key(tensor) not in before and storage_size(tensor):
                    self.live[storage_key(tensor)] = _watched(tensor)
            self.peak = max(self.peak, self.bytes())
            return result

        def bytes(self) -> int:
            """Bytes of the storages that are still there."""
            return sum(size for weak, size in self.live.values() if not weak.expired())

    found = [0] * len(graph)
    allocations = Allocations()

    def around(operation: Operation, run: Callable[[], Any]) -> Any:
        if operation.view or operation.inplace or operation.base_name in _NO_WORKSPACE:
            return run()
        allocations.live.clear()
        allocations.peak = 0
        with allocations:
            result = run()
        found[operation.index] = allocations.peak - allocations.bytes()
        return result

    with on_meta(grad=False):
        replay(graph, training=False, around=around)
    return tuple(found)


def _watched(tensor: Tensor) -> tuple[Any, int]:
    from torch.multiprocessing.reductions import StorageWeakRef

    return StorageWeakRef(tensor.untyped_storage()), storage_size(tensor)  # type: ignore[no-untyped-call]
