"""What autograd keeps between the forward and the backward pass of a training step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from skiplint.graph import ModelGraph, Operation
from skiplint.tracing.replay.replay import Replay, on_meta, replay, storage_key, storage_size

if TYPE_CHECKING:
    from torch import Tensor

Origin = Literal["activation", "input", "state"]
_STATE = frozenset({"parameter", "buffer", "constant"})


@dataclass(frozen=True, slots=True)
class SavedStorage:
    """One piece of memory that waits for the backward pass, counted once however often it is saved."""

    storage: int
    """Its number in :attr:`SavedTensors.made`; not that of the graph, where a dropout may be a view."""
    nbytes: int
    """Of the whole storage: a saved slice keeps all of it."""
    origin: Origin
    """``input`` and ``state`` (parameters, buffers, constants) are in memory anyway."""
    maker: int
    """The operation that made it; made inside the call (a mask, a contiguous copy), the one that saved it."""
    savers: tuple[int, ...]
    """The operations whose backward reads it."""
    internal: bool
    """No operation of the graph has it as a result."""


@dataclass(frozen=True, slots=True)
class SavedTensors:
    """Everything that one training step saves."""

    storages: tuple[SavedStorage, ...]
    made: tuple[tuple[int, ...], ...]
    """For each operation the storages of its results."""
    sizes: tuple[int, ...]
    """Bytes of each storage that some operation made."""
    assumed: tuple[int, ...]
    """Operations that could not be run without values; what they save is not counted."""

    @property
    def nbytes(self) -> int:
        """Bytes that wait for the backward pass, parameters, buffers and constants not counted."""
        return sum(storage.nbytes for storage in self.storages if storage.origin != "state")


def find_saved_tensors(graph: ModelGraph) -> SavedTensors:
    """What a training step over the operations of ``graph`` saves for backward.

    Every floating parameter is taken to be trained and no input to need a gradient. Batch norms and
    dropouts are run in training mode, whatever the mode of the trace.
    """
    import torch

    saved: list[tuple[int, Tensor]] = []
    current = [0]

    def pack(tensor: Tensor) -> Tensor:
        kept = tensor.detach()  # the tensor itself would hold the node that holds it
        saved.append((current[0], kept))
        return kept

    def around(operation: Operation, run: Callable[[], Any]) -> Any:
        current[0] = operation.index
        return run()

    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept)
    with on_meta(grad=True), hooks:
        done = replay(graph, training=not graph.training, around=around)
    keys = [[storage_key(tensor) for tensor in made] for made in done.made]
    numbers, sizes, makers = _numbered(done, keys)
    return SavedTensors(
        _counted_once(graph, saved, numbers, makers),
        tuple(tuple(numbers[key] for key in row) for row in keys),
        tuple(sizes),
        tuple(dict.fromkeys(done.assumed)),
    )


def _numbered(done: Replay, keys: list[list[int]]) -> tuple[dict[int, int], list[int], list[int]]:
    """Numbers for the storages of results by their address, with the size and the maker of each."""
    numbers: dict[int, int] = {}
    sizes: list[int] = []
    makers: list[int] = []
    for index, (made, row) in enumerate(zip(done.made, keys, strict=True)):
        for tensor, key in zip(made, row, strict=True):
            if key not in numbers:
                numbers[key] = len(sizes)
                sizes.append(storage_size(tensor))
                makers.append(index)
    return numbers, sizes, makers


def _counted_once(
    graph: ModelGraph, saved: list[tuple[int, Tensor]], numbers: dict[int, int], makers: list[int]
) -> tuple[SavedStorage, ...]:
    sizes: dict[int, int] = {}
    savers: dict[int, dict[int, None]] = {}
    for index, tensor in saved:
        key = storage_key(tensor)
        number = numbers.setdefault(key, len(numbers))
        sizes[number] = storage_size(tensor)
        savers.setdefault(number, {})[index] = None
    return tuple(
        _storage(graph, number, size, makers[number] if number < len(makers) else None, tuple(savers[number]))
        for number, size in sizes.items()
    )


def _storage(
    graph: ModelGraph, number: int, size: int, maker: int | None, savers: tuple[int, ...]
) -> SavedStorage:
    if maker is None:
        return SavedStorage(number, size, "activation", savers[0], savers, internal=True)
    kind = graph.operations[maker].kind
    origin: Origin = "state" if kind in _STATE else "input" if kind == "input" else "activation"
    return SavedStorage(number, size, origin, maker, savers, internal=False)
