"""Which operands and results to replace by zeros to remove a skip from a forward."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skiplint.analysis.skips import Skip
from skiplint.graph import ModelGraph, Operand
from skiplint.operators import Family


@dataclass(frozen=True)
class Removal:
    """Operands and results to replace by zeros, by operation."""

    operands: Mapping[int, frozenset[int]]
    """Positions of operands, by index of the operation that reads them."""
    results: frozenset[int] = frozenset()
    """Operations that write a shortcut into a part of a buffer."""

    def __bool__(self) -> bool:
        return bool(self.operands or self.results)


NOTHING = Removal({})


def removal_of(graph: ModelGraph, skips: Iterable[Skip]) -> Removal:
    """The zeros that remove ``skips``: a join then adds or concatenates zeros to its main path.

    All shapes stay as they are. A recurrent cell that is one operation loses its state.
    """
    operands: defaultdict[int, set[int]] = defaultdict(set)
    results: set[int] = set()
    for skip in skips:
        shortcuts = {skip.operands[connection.operand] for connection in skip.connections}
        tensors = {(operand.producer, operand.output) for operand in shortcuts}
        for step in skip.steps:
            operation = graph.operations[step]
            found = {
                place
                for place, operand in enumerate(operation.operands)
                if (operand.producer, operand.output) in tensors
            }
            if operation.op.is_a(Family.UPDATE):  # synthetic: what wrote the part is what can be changed
                results |= {
                    index for place in found for index in _writers(graph, operation.operands[place].producer)
                }
            elif found:
                operands[step] |= found
    return Removal({step: frozenset(found) for step, found in operands.items()}, frozenset(results))


def _writers(graph: ModelGraph, index: int) -> set[int]:
    """The calls that wrote the parts of a buffer."""
    operation = graph.operations[index]
    if not operation.op.is_a(Family.UPDATE):
        return {index} if operation.inplace else set()
    return {writer for operand in operation.operands for writer in _writers(graph, operand.producer)}


def without(graph: ModelGraph, removal: Removal) -> ModelGraph:
    """``graph`` with removed operands replaced by a value that does not depend on an input.

    For counting paths only: the shapes and arguments are no longer right.
    """
    rows = list(graph.operations)
    constant = next((operation.index for operation in rows if not operation.data), -1)
    for index, places in removal.operands.items():
        rows[index] = dataclasses.replace(rows[index], operands=_kept(rows[index].operands, places, constant))
    for index in removal.results:
        everything = frozenset(range(len(rows[index].operands)))
        kept = _kept(rows[index].operands, everything, constant)
        rows[index] = dataclasses.replace(rows[index], operands=kept)
    return dataclasses.replace(graph, operations=tuple(rows))


def _kept(operands: Sequence[Operand], removed: frozenset[int], constant: int) -> tuple[Operand, ...]:
    return tuple(
        operand if place not in removed else Operand(constant, 0, operand.argument)
        for place, operand in enumerate(operands)
        if place not in removed or constant >= 0
    )
