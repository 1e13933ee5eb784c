"""Limit a contract to the length of the tables from which a model looks up positions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skiplint.analysis.contract.contract import Contract, Failure
from skiplint.analysis.contract.failing import failure_at
from skiplint.analysis.contract.probing import TooManyProbesError
from skiplint.analysis.contract.tables import TableRead, table_reads
from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    from skiplint.analysis.contract.probing import Point, Prober
    from skiplint.tracing import Subject

_LONGEST = 1 << 17
"""The largest maximum that is tried."""


def within_tables(contract: Contract, graph: ModelGraph, subject: Subject, prober: Prober) -> Contract:
    """Return ``contract`` without the sizes at which a look-up exceeds its table.

    This is confirmed at the first size beyond the end of the table: the model fails there, or a trace there
    shows the look-up.

    Args:
        contract: the contract as found by running the model without values.
        graph: the graph of the example.
        subject: the model.
        prober: knows the axes, and what was asked before.

    Raises:
        TooManyProbesError: no forward is left.
    """
    for read in table_reads(graph):
        for number, each in enumerate(contract.axes):
            last = each.axis.size + read.rows - read.reach
            known = each.sizes.maximum
            if last > _LONGEST or (known is not None and known <= last):
                continue
            inside, outside = (
                (*prober.base[:number], size, *prober.base[number + 1 :]) for size in (last, last + 1)
            )
            if not prober.accepts(inside):
                continue
            if prober.accepts(outside):
                failure = _past_the_end(outside, read, subject, prober, graph)
            else:
                failure = failure_at(graph, subject, prober, outside)
            if failure is not None:
                axes = list(contract.axes)
                axes[number] = replace(each, sizes=replace(each.sizes, maximum=last))
                contract = replace(contract, axes=tuple(axes), failures=(*contract.failures, failure))
    return contract


def _past_the_end(
    point: Point, read: TableRead, subject: Subject, prober: Prober, graph: ModelGraph
) -> Failure | None:
    """The failure of a look-up that exceeds its table at ``point``; None if it does not."""
    if not prober.may_trace():
        raise TooManyProbesError
    there = subject.graph_at(prober.shapes(point), graph.backend)
    if there is None:
        return None
    name = graph.operations[read.operation].id
    for other in table_reads(there):
        operation = there.operations[other.operation]
        if operation.id == name and other.reach == read.rows + 1:
            return Failure(
                point,
                prober.shapes(point),
                "layer",
                f"index {read.rows} is out of range for a table of {read.rows} rows",
                operation.location,
                operation.id,
                tuple(there.spec(operand).shape for operand in operation.operands),
            )
    return None
