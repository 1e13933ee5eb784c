"""A contract that heeds the tables from which a model looks up its positions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skiplint.analysis.contract.contract import Contract, Failure
from skiplint.analysis.contract.tables import TableRead, table_reads
from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    from skiplint.analysis.contract.probing import Prober
    from skiplint.tracing import Subject

_LONGEST = 1 << 17
"""Tables longer than this are not tried."""


def within_tables(contract: Contract, graph: ModelGraph, subject: Subject, prober: Prober) -> Contract:
    """``contract`` with the sizes at which a look-up leaves its table taken out.

    That a size leads there is confirmed by a trace at the first size past the end.
    """
    for read in table_reads(graph):
        for number, each in enumerate(contract.axes):
            last = each.axis.size + read.rows - read.reach
            known = each.sizes.maximum
            if last > _LONGEST or (known is not None and known <= last):
                continue
            failure = _past_the_end(number, last + 1, read, subject, prober, graph)
            if failure is not None and prober.accepts(
                (*failure.point[:number], last, *failure.point[number + 1 :])
            ):
                axes = list(contract.axes)
                axes[number] = replace(each, sizes=replace(each.sizes, maximum=last))
                contract = replace(
                    contract,
                    axes=tuple(axes),
                    failures=(*contract.failures, failure),
                    probes=contract.probes + 2,
                )
    return contract


def _past_the_end(
    number: int, size: int, read: TableRead, subject: Subject, prober: Prober, graph: ModelGraph
) -> Failure | None:
    """The look-up that leaves its table at ``size``, None if it does not."""
    point = (*prober.base[:number], size, *prober.base[number + 1 :])
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
                f"index {read.rows} is out of the table, which has {read.rows} rows",
                operation.location,
                operation.id,
                tuple(there.spec(operand).shape for operand in operation.operands),
            )
    return None
