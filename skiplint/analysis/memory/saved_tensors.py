"""Which tensors autograd saves in a forward pass for the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from skiplint.graph import ModelGraph, Operation
from skiplint.tracing.replay.surroundings import apart, bare

if TYPE_CHECKING:
    from torch import Tensor

Origin = Literal["activation", "input", "state"]
_STATE = frozenset({"parameter", "buffer", "constant"})


@dataclass(frozen=True, slots=True)
class SavedStorage:
    """One storage that is kept for the backward pass, counted once however often it is saved."""

    storage: int
    """Its number in :attr:`SavedTensors.made`; not that of the graph, where a dropout may be a view."""
    nbytes: int
    """Of the whole storage: a saved slice keeps all of it."""
    origin: Origin
    """``input`` and ``state`` (parameters, buffers, constants) are in memory anyway."""
    maker: int
    """The operation that made it; where it was made inside a call (a mask, a copy), the one that saved it."""
    savers: tuple[int, ...]
    """The operations whose backward reads it."""
    internal: bool
    """It is not the result of an operation of the graph."""


@dataclass(frozen=True, slots=True)
class SavedTensors:
    """Everything that one training step saves."""

    storages: tuple[SavedStorage, ...]
    made: tuple[tuple[int, ...], ...]
    """For each operation the storages of its results."""
    sizes: tuple[int, ...]
    """Bytes of each storage that some operation made."""
    assumed: tuple[int, ...]
    """Operations that do not run without values; what they save is not counted."""

    @property
    def nbytes(self) -> int:
        """Bytes kept for the backward pass, without parameters, buffers and constants."""
        return sum(storage.nbytes for storage in self.storages if storage.origin != "state")


def find_saved_tensors(graph: ModelGraph) -> SavedTensors:
    """What a training step of ``graph`` saves for backward.

    All floating-point parameters are trained, inputs need no gradient. Batch norms and dropouts run in
    training mode, whatever the mode of the trace.
    """
    from skiplint.tracing.recording.storages import storage_key
    from skiplint.tracing.replay.allocations import saved_for_backward
    from skiplint.tracing.replay.interpreter import Interpreter

    savers: list[int] = []

    def around(operation: Operation | None, run: Callable[[], Any]) -> Any:
        try:
            return run()
        finally:
            savers.extend([operation.index if operation else 0] * (len(saved) - len(savers)))

    with apart(grad=True, device="meta"), saved_for_backward() as saved:
        run = Interpreter(
            graph.fx, bare, device="meta", training=not graph.training, around=around, assume=True
        )
        run.run()
    made = [run.made.get(operation.index, []) for operation in graph]
    numbers, sizes, makers = _numbered(made)
    return SavedTensors(
        _counted_once(graph, list(zip(savers, saved, strict=True)), numbers, makers),
        tuple(tuple(numbers[storage_key(tensor)] for tensor in row) for row in made),
        tuple(sizes),
        tuple(dict.fromkeys(run.assumed)),
    )


def _numbered(made: list[list[Tensor]]) -> tuple[dict[int, int], list[int], list[int]]:
    """Numbers for the storages of results by their key, with the size and the maker of each."""
    from skiplint.tracing.recording.storages import storage_key, storage_size

    numbers: dict[int, int] = {}
    sizes: list[int] = []
    makers: list[int] = []
    for index, row in enumerate(made):
        for tensor in row:
            if storage_key(tensor) not in numbers:
                numbers[storage_key(tensor)] = len(sizes)
                sizes.append(storage_size(tensor))
                makers.append(index)
    return numbers, sizes, makers


def _counted_once(
    graph: ModelGraph, saved: list[tuple[int, Tensor]], numbers: dict[int, int], makers: list[int]
) -> tuple[SavedStorage, ...]:
    from skiplint.tracing.recording.storages import storage_key, storage_size

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
