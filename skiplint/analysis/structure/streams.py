"""Residual streams: chains of residual skips, each of which adds to the result of the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skiplint.analysis.flow import Flow, past_views
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips import Skip, Skips
from skiplint.graph import Operand, Operation
from skiplint.operators import Family


def is_residual(skip: Skip) -> bool:
    """Whether ``skip`` adds one branch to one identity shortcut, with no scale on either."""
    return (
        skip.kind == "additive"
        and skip.shortcut == "identity"
        and not skip.long
        and skip.scale is None
        and len(skip.operands) == 2
        and len(skip.connections) == 1
    )


@dataclass(frozen=True, slots=True)
class ResidualStreams:
    """The residual skips in chains, each of which starts from the join of the one before, longest first."""

    between: tuple[Family, ...] = ()
    """Families of calls that may stand between a join and the next fork, beside views, copies and dropout."""

    def compute(self, analysis: TracedModel) -> tuple[tuple[Skip, ...], ...]:
        """Chain the skips of a traced model."""
        flow = analysis.of(Flow)
        ends: dict[int, list[Skip]] = {}
        streams: list[list[Skip]] = []
        for skip in analysis.of(Skips):
            if not is_residual(skip):
                continue
            source = _source(flow, skip.connections[0].fork, self.between)
            stream = ends.pop(source, None)
            if stream is None:
                stream = []
                streams.append(stream)
            stream.append(skip)
            ends[skip.join] = stream
        return tuple(tuple(stream) for stream in sorted(streams, key=len, reverse=True))


def _source(flow: Flow, operand: Operand, between: tuple[Family, ...]) -> int:
    for _ in range(16):
        operand = past_views(flow, operand)
        operation = flow.graph.operations[operand.producer]
        reads = flow.reads[operand.producer]
        if not operation.op.is_a(*between) or len(reads) != 1:
            break
        operand = reads[0]
    return operand.producer


def main_operand(skip: Skip) -> Operand:
    """The operand of a residual skip's join that comes from its branch."""
    return skip.operands[1 - skip.connections[0].operand]


def last_layer(flow: Flow, skip: Skip) -> Operation | None:
    """The weighted layer at the end of the branch of a residual skip; None where it ends in anything else."""
    operation = flow.graph.operations[past_views(flow, main_operand(skip)).producer]
    return operation if operation.weighted else None


def branch_operations(flow: Flow, skip: Skip) -> Iterator[Operation]:
    """The operations on the branch of a residual skip, from the join back to the fork."""
    fork = skip.connections[0].fork.producer
    pending, seen = [main_operand(skip).producer], {fork, skip.join}
    while pending:
        index = pending.pop()
        if index in seen or index < fork:
            continue
        seen.add(index)
        yield flow.graph.operations[index]
        pending.extend(operand.producer for operand in flow.reads[index])
