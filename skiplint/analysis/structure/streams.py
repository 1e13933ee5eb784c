"""Residual streams: joins in a row, each of which adds to what the one before made."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from skiplint.analysis.flow import Flow
from skiplint.analysis.skips import Skip
from skiplint.analysis.structure.reading import past_views
from skiplint.graph import Operand, Operation
from skiplint.operators import Family


def is_residual(skip: Skip) -> bool:
    """Whether ``skip`` adds one branch to an identity shortcut, both as they are."""
    return (
        skip.kind == "additive"
        and skip.shortcut == "identity"
        and not skip.long
        and skip.scale is None
        and len(skip.operands) == 2
        and len(skip.connections) == 1
    )


def residual_streams(
    flow: Flow, skips: Collection[Skip], between: tuple[Family, ...] = ()
) -> list[list[Skip]]:
    """The residual skips, put together where one starts from the join of another, longest stream first.

    Between a join and the next fork may be views, copies, dropout, and calls of the families ``between``.
    """
    ends: dict[int, list[Skip]] = {}
    streams: list[list[Skip]] = []
    for skip in skips:
        if not is_residual(skip):
            continue
        source = _behind(flow, skip.connections[0].fork, between)
        stream = ends.pop(source, None)
        if stream is None:
            stream = []
            streams.append(stream)
        stream.append(skip)
        ends[skip.join] = stream
    return sorted(streams, key=len, reverse=True)


def _behind(flow: Flow, operand: Operand, between: tuple[Family, ...]) -> int:
    for _ in range(16):
        operand = past_views(flow, operand)
        operation = flow.graph.operations[operand.producer]
        reads = flow.reads[operand.producer]
        if not operation.op.is_a(*between) or len(reads) != 1:
            break
        operand = reads[0]
    return operand.producer


def main_operand(skip: Skip) -> Operand:
    """What the branch of a residual skip brings to the join."""
    return skip.operands[1 - skip.connections[0].operand]


def last_layer(flow: Flow, skip: Skip) -> Operation | None:
    """The weighted layer that the branch ends in, views and dropout aside."""
    operation = flow.graph.operations[past_views(flow, main_operand(skip)).producer]
    return operation if operation.weighted else None


def branch_operations(flow: Flow, skip: Skip) -> Iterator[Operation]:
    """All operations between the fork and the join on the branch, latest first."""
    fork = skip.connections[0].fork.producer
    pending, seen = [main_operand(skip).producer], {fork, skip.join}
    while pending:
        index = pending.pop()
        if index in seen or index < fork:
            continue
        seen.add(index)
        yield flow.graph.operations[index]
        pending.extend(operand.producer for operand in flow.reads[index])
