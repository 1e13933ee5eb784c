"""What goes wrong at a size that the model refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skiplint.analysis.contract.contract import Failure, FailureKind
from skiplint.analysis.contract.roundings import JOINS
from skiplint.graph import Fault, Location, ModelGraph, Operation

if TYPE_CHECKING:
    from skiplint.analysis.contract.probing import Point, Prober
    from skiplint.tracing import Subject


def failure_at(graph: ModelGraph, subject: Subject, prober: Prober, point: Point) -> Failure:
    """Why the model does not run at ``point``, by a trace that goes on behind the calls that fail.

    Where the model was run too often for one more trace, the message and its place are all that is told.

    Raises:
        ValueError: it does run there.
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
    """A join is one of tensors that descend from the input: no table of positions, no mask of fixed size."""
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
    """Of an error behind which no trace can go on: the operation that the example ran at that place."""
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
