"""When each storage is allocated and freed in inference, and how much is alive at once.

A storage is born with the operation that makes it; views and in-place results share it. It dies after its
last reader, or later while Python holds it: the caller of a module holds the arguments until the module
returns (for a list of modules, until the loop over it ends, since the first argument has a name), and the
model's outputs live to the end. Names and lists in the forward may hold more: where the trace has observed
when a storage was freed, that counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from skiplint.graph import ModelGraph, Operation


@dataclass(frozen=True, slots=True)
class Lifetime:
    """One storage of an activation."""

    storage: int
    nbytes: int
    born: int
    """The operation that makes it."""
    dies: int
    """The last operation during which it is alive."""
    last_reader: int

    def alive_at(self, index: int) -> bool:
        """Whether it is in memory during operation ``index``."""
        return self.born <= index <= self.dies


def find_lifetimes(graph: ModelGraph) -> tuple[Lifetime, ...]:
    """The storages that the calls of ``graph`` allocate, in order of birth; not inputs and parameters."""
    born: dict[int, int] = {}
    size: dict[int, int] = {}
    state: set[int] = set()
    last: dict[int, int] = {}
    for operation in graph:
        for spec in operation.outputs:
            if operation.kind != "call":
                state.add(spec.storage)
            elif spec.storage not in born and spec.storage not in state:
                born[spec.storage] = operation.index
                size[spec.storage] = spec.nbytes
                last[spec.storage] = operation.index
        for operand in operation.operands:
            last[graph.spec(operand).storage] = operation.index
    observed = graph.alive_until
    dies = _observed(graph, observed, last) if observed else _inferred(graph, born, last)
    return tuple(Lifetime(key, size[key], start, dies[key], last[key]) for key, start in born.items())


def _observed(graph: ModelGraph, until: Mapping[int, int], last: Mapping[int, int]) -> dict[int, int]:
    return {key: max(reader, until.get(key, len(graph) - 1)) for key, reader in last.items()}


def _inferred(graph: ModelGraph, born: Mapping[int, int], last: Mapping[int, int]) -> dict[int, int]:
    dies = dict(last)
    for call in module_calls(graph.operations):
        for index in range(call.start, call.stop):
            for operand in graph.operations[index].operands:
                storage = graph.spec(operand).storage
                if born.get(storage, call.start) < call.start:
                    dies[storage] = max(dies[storage], call.stop - 1)
    return dies


def live_bytes(lifetimes: Sequence[Lifetime], workspaces: Sequence[int]) -> tuple[int, ...]:
    """Bytes alive during each operation, its workspace included."""
    change = [0] * (len(workspaces) + 1)
    for lifetime in lifetimes:
        change[lifetime.born] += lifetime.nbytes
        change[lifetime.dies + 1] -= lifetime.nbytes
    alive, total = [], 0
    for step, workspace in zip(change, workspaces, strict=False):
        total += step
        alive.append(total + workspace)
    return tuple(alive)


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """One call of the module ``path``: the operations from ``start`` to ``stop``, without ``stop``."""

    path: str
    start: int
    stop: int


def module_calls(operations: Sequence[Operation]) -> Iterator[ModuleCall]:
    """The calls of modules, inner ones included, as told by the modules of successive operations."""
    open_calls: list[tuple[str, int]] = []
    previous: tuple[str, int] | None = None
    stop = 0
    for operation in operations:
        if operation.kind not in ("call", "output"):
            continue
        here = operation.module if operation.kind == "call" else ""
        while open_calls and not _inside(here, open_calls[-1][0]):
            path, start = open_calls.pop()
            yield ModuleCall(path, start, stop)
        again = previous is not None and previous[0] == here and previous[1] != operation.call
        if again and open_calls and open_calls[-1][0] == here:
            path, start = open_calls.pop()
            yield ModuleCall(path, start, stop)
        known = open_calls[-1][0] if open_calls else ""
        open_calls.extend((path, operation.index) for path in _prefixes(here, known))
        previous = (here, operation.call)
        stop = operation.index + 1
    for path, start in reversed(open_calls):
        yield ModuleCall(path, start, len(operations))


def _inside(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer}.")


def _prefixes(path: str, known: str) -> list[str]:
    """The paths from below ``known`` down to ``path``."""
    parts = path.split(".") if path else []
    depth = len(known.split(".")) if known else 0
    return [".".join(parts[: length + 1]) for length in range(depth, len(parts))]
