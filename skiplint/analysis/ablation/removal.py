"""What has to be changed in a forward so that a skip is gone from it."""

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
    """Operands to be zero and results to be zero, by operation."""

    operands: Mapping[int, frozenset[int]]
    """Positions of operands, by the index of the operation that reads them."""
    results: frozenset[int] = frozenset()
    """Operations that write a shortcut's part into a buffer which others read as a whole."""

    def __bool__(self) -> bool:
        return bool(self.operands or self.results)


NOTHING = Removal({})


def removal_of(graph: ModelGraph, skips: Iterable[Skip]) -> Removal:
    """What removes ``skips``: a join then adds nothing to its main path, or concatenates zeros to it.

    Zeros in place of a shortcut leave every shape as it was. A recurrent cell of one operation loses the
    state that it is given.
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
    """``graph`` with the removed reads made to read a value that descends from no input.

    For counting paths only: shapes and arguments are not kept.
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
