"""Find out what fails at a size that the model refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skiplint.analysis.contract.contract import Failure, FailureKind
from skiplint.analysis.contract.roundings import JOINS
from skiplint.graph import Fault, Location, ModelGraph, Operation

if TYPE_CHECKING:
    from skiplint.analysis.contract.probing import Point, Prober
    from skiplint.tracing import Subject


def failure_at(graph: ModelGraph, subject: Subject, prober: Prober, point: Point) -> Failure:
    """Return why the model does not run at ``point``, from a trace that goes on after calls that fail.

    If no forwards are left for the trace, the failure has only the error and its place.

    Args:
        graph: the graph of the example.
        subject: the model.
        prober: knows the axes, and what was asked before.
        point: a size for each axis.

    Raises:
        ValueError: the model runs at ``point``.
    """
    shapes, refusal = prober.shapes(point), prober.refusal(point)
    if refusal is None:
        raise ValueError(f"the model runs at {point}")
    if refusal.deliberate:
        return Failure(point, shapes, "check", refusal.message, refusal.location)
    there = subject.graph_at(shapes, graph.backend) if prober.may_trace() else None
    if there is None or not there.faults:
        return _of_place(graph, point, shapes, refusal.message, refusal.location)
    return _of_fault(there, there.faults, point, shapes, refusal.message)


def _of_fault(
    there: ModelGraph,
    faults: tuple[Fault, ...],
    point: Point,
    shapes: tuple[tuple[int, ...], ...],
    message: str,
) -> Failure:
    first = there.operations[faults[0].operation]
    kinds = [_kind(there, fault) for fault in faults]
    return Failure(
        point,
        shapes,
        kinds[0],
        message,
        first.location,
        first.id,
        tuple(there.spec(operand).shape for operand in first.operands),
        alone=set(kinds) == {"join"},
    )


def _kind(there: ModelGraph, fault: Fault) -> FailureKind:
    """The kind of a fault. A join combines data tensors, not a table of positions or a mask of fixed size."""
    return (
        "join"
        if fault.kind == "join" and _joins_data(there, there.operations[fault.operation])
        else ("shape" if fault.kind == "join" else fault.kind)
    )


def _joins_data(graph: ModelGraph, operation: Operation) -> bool:
    data = [
        operand
        for operand in operation.operands
        if graph.operations[operand.producer].data and graph.spec(operand).floating
    ]
    return len(data) >= 2


def _of_place(
    graph: ModelGraph, point: Point, shapes: tuple[tuple[int, ...], ...], message: str, place: Location | None
) -> Failure:
    """The failure at an error after which no trace can go on: what the example ran at that line."""
    there = [
        operation
        for operation in graph
        if place is not None
        and any((frame.path, frame.line) == (place.path, place.line) for frame in operation.stack[:1])
    ]
    joins = bool(there) and all(
        operation.op.is_a(*JOINS) and _joins_data(graph, operation) for operation in there
    )
    node = there[0].id if len(there) == 1 else None
    return Failure(point, shapes, "join" if joins else "other", message, place, node)
