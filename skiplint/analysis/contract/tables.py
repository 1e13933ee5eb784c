"""Find tables of limited length: positions that a model has learned or computed up to a maximum.

A longer sequence looks up rows that do not exist. A run without values does not fail there, since an index is
a value. So the largest index is computed here, from the calls that made it.
"""

from __future__ import annotations

from dataclasses import dataclass

from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators import Family
from skiplint.tracing.replay.parts import execute
from skiplint.tracing.replay.surroundings import ExecutionError, apart, refused

_OTHERS = 3
"""The number of maxima that are tried from tables sliced to another length than the input's."""


@dataclass(frozen=True, slots=True)
class TableRead:
    """A look-up in a table whose index depends on nothing but the sizes of the inputs."""

    operation: int
    rows: int
    """The number of rows of the table."""
    reach: int
    """One more than the largest index."""


def table_lengths(graph: ModelGraph, size: int) -> tuple[int, ...]:
    """Return candidate maximum sizes, ascending, from tables that are sliced.

    A table sliced to ``size`` rows gives its length. One sliced to another number of rows, because the input
    was resampled or cropped before, gives its length in proportion, plus ``size`` to be on the safe side.
    """
    found: set[int] = set()
    others: set[int] = set()
    for operation in graph:
        if not operation.op.is_a(Family.CUT) or operation.data or not operation.operands:
            continue
        whole, part = graph.spec(operation.operands[0]).shape, operation.outputs[0].shape
        if len(whole) == len(part):
            pairs = zip(whole, part, strict=True)
            for length, kept in pairs:
                if kept == size < length:
                    found.add(length)
                elif 1 < kept < length:
                    others.add(max(length + size - kept, length * size // kept) + size)
    return tuple(sorted({*found, *sorted(others)[:_OTHERS]}))


def table_reads(graph: ModelGraph) -> tuple[TableRead, ...]:
    """Return the look-ups in learned tables whose index is made from sizes, such as ``arange(T)``."""
    lookups = [each for each in graph if each.op.is_a(Family.EMBEDDING) and _is_of_sizes(graph, each)]
    if not lookups or graph.fx_builder is None:
        return ()
    found: list[TableRead] = []
    for operation in lookups:
        table, index = operation.operands[:2]
        reach = _reach(graph, index)
        if reach is not None:
            found.append(TableRead(operation.index, graph.spec(table).shape[0], reach))
    return tuple(found)


def _is_of_sizes(graph: ModelGraph, operation: Operation) -> bool:
    if len(operation.operands) < 2:
        return False
    table, index = (graph.operations[each.producer] for each in operation.operands[:2])
    return table.kind == "parameter" and index.kind == "call" and not index.data


def _reach(graph: ModelGraph, index: Operand) -> int | None:
    """One more than the largest value of an index, None where it is made of more than sizes."""
    makers: set[int] = set()
    pending = [index.producer]
    while pending:
        operation = graph.operations[pending.pop()]
        if operation.index not in makers and operation.kind == "call":
            makers.add(operation.index)
            pending.extend(operand.producer for operand in operation.operands)
    try:
        with apart(grad=False):
            value = execute(graph, makers, refused, keep=(index.producer,))[index.producer, index.output]
    except ExecutionError:  # the calls ask for something that is not there without the model
        return None
    return None if value.is_floating_point() or not value.numel() else int(value.max()) + 1
