"""How a model was traced, its inputs and its skips, as parts of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skiplint.graph import ModelGraph, Operation
from skiplint.reporting.model_report import InputReport, SkipReport, Source, TraceReport
from skiplint.reporting.record import location_report

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.analysis.skips import Skip


def describe_trace(graph: ModelGraph) -> TraceReport:
    """How ``graph`` was recorded."""
    return TraceReport(graph.backend, sum(op.kind == "call" for op in graph))


def describe_inputs(graph: ModelGraph, source: Source, why: str = "") -> tuple[InputReport, ...]:
    """The tensors that the model was run with; ``source`` and ``why`` say where they came from."""
    return tuple(
        InputReport(item.name, item.spec.shape, item.spec.dtype, source, why or None) for item in graph.inputs
    )


def describe_skips(analysis: Analysis) -> tuple[SkipReport, ...]:
    """Every join with the shortcuts that end in it, in execution order."""
    return tuple(_describe_skip(analysis.graph, skip) for skip in analysis.skips)


def _describe_skip(graph: ModelGraph, skip: Skip) -> SkipReport:
    join = graph.operations[skip.join]
    nearest = skip.connections[0]
    fork = graph.operations[nearest.fork.producer]
    shortcuts = {
        (operand.producer, operand.output): graph.spec(operand).nbytes
        for operand in (skip.operands[connection.operand] for connection in skip.connections)
    }
    return SkipReport(
        kind=skip.kind,
        shortcut=skip.shortcut,
        fork=_place(fork),
        join=_place(join),
        join_op=join.name,
        span=skip.span,
        long=skip.long,
        scale=skip.scale,
        connections=len(skip.connections),
        location=location_report(join.location),
        shapes=tuple(graph.spec(operand).shape for operand in skip.operands),
        bytes=sum(shortcuts.values()),
        carries=nearest.carries,
        fork_node=fork.id,
        join_node=join.id,
        fork_index=fork.index,
        join_index=join.index,
        gate_node=None if skip.gate is None else graph.operations[skip.gate].id,
    )


def _place(operation: Operation) -> str:
    """Path of the module of an operation, or the operation's id where that is the model itself."""
    return operation.module or operation.id
