"""Tables that end somewhere: positions that a model has learned or computed up to a length.

A longer sequence asks for rows that are not there. Without values nothing fails then, since an index is a
value: what is asked of a table is computed here, from the calls that made the index.
"""

from __future__ import annotations

from dataclasses import dataclass

from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.tracing.replay.parts import execute
from skiplint.tracing.replay.surroundings import ExecutionError, apart, refused

_OTHERS = 3
"""Tables that are cut to another length than the input's are tried up to this number."""
_CUTS = frozenset({"getitem", "narrow", "slice", "index_select"})


@dataclass(frozen=True, slots=True)
class TableRead:
    """A look-up whose index depends on the sizes of the inputs alone."""

    operation: int
    rows: int
    """How many rows the table has."""
    reach: int
    """One more than the largest row that is asked for."""


def table_lengths(graph: ModelGraph, size: int) -> tuple[int, ...]:
    """The sizes at which tables may end of which entries are cut at ``size``, ascending.

    That is the length of one from which ``size`` entries are cut. From another, more or fewer are taken since
    the input has been resampled or cropped; where it ends is about in proportion, and more is said here.
    """
    found: set[int] = set()
    others: set[int] = set()
    for operation in graph:
        if operation.base_name not in _CUTS or operation.data or not operation.operands:
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
    """Every embedding whose index is made of sizes, such as ``arange(T)``; none that reads an input."""
    lookups = [operation for operation in graph.named("embedding") if _is_of_sizes(graph, operation)]
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
