"""What made an axis of size one: an unsqueeze, a pooling, a layer with one output."""

from __future__ import annotations

from typing import Literal

from skiplint.analysis.flow import Flow
from skiplint.graph import Operand, Operation
from skiplint.operators import Family
from skiplint.operators.axes import moved_axes, reduced_axes

Maker = Literal["layer", "input", "pooled", "picked", "asked", "missing", "other"]
"""``layer``: a weighted layer with one output; ``input``: it came in so; ``pooled``: a reduction or pooling;
``picked``: a gather with one index, which keeps the axis; ``asked``: an unsqueeze, a reshape, a slice;
``missing``: there is no such axis, broadcasting adds it."""


def maker_of_one(flow: Flow, operand: Operand, axis: int) -> tuple[Maker, Operation]:
    """How an axis of size 1 came to be, and the operation that made it.

    Args:
        flow: the feature flow of the graph.
        operand: the tensor.
        axis: the axis of it that has size 1, counted from 0.
    """
    graph = flow.graph
    operation = graph.operations[operand.producer]
    for _ in range(32):
        operation = graph.operations[operand.producer]
        if operation.kind == "input":
            return "input", operation
        following = _before(flow, operation, axis)
        if isinstance(following, str):
            return following, operation
        operand, axis = following
    return "other", operation


def _picked_axis(operation: Operation, rank: int) -> int | None:
    axis = operation.setting("dim")
    return axis % rank if isinstance(axis, int) else None


def _before(flow: Flow, operation: Operation, axis: int) -> tuple[Operand, int] | Maker:
    """The operand and the axis of it that ``axis`` of the result was, or what made it."""
    op, reads = operation.op, flow.reads[operation.index]
    if not reads or not operation.outputs:
        return "other"
    rank = len(operation.outputs[0].shape)
    source = reads[0]
    shape = flow.graph.spec(source).shape
    moves = op.is_a(Family.AXIS_MOVE)
    if moves or (op.is_a(Family.REDUCTION) and rank < len(shape)):
        following = moved_axes if moves else reduced_axes
        places = range(len(shape))
        came = [old for old in places if following(operation, frozenset({old}), len(shape)) == {axis}]
        return (source, came[0]) if came and shape[came[0]] == 1 else "other"
    if operation.weighted:
        convolution = op.is_a(Family.CONVOLUTION)
        features = 1 if convolution else rank - 1
        if axis == features:
            return "layer"
        if convolution or len(shape) != rank:
            return "pooled" if axis >= len(shape) or shape[axis] != 1 else (source, axis)
    if len(shape) == rank and shape[axis] == 1:
        return source, axis
    if op.is_a(Family.PICK) and axis == _picked_axis(operation, rank):
        return "picked"
    if op.is_a(Family.REDUCTION, Family.POOLING):
        return "pooled"
    if op.is_a(Family.RESHAPE, Family.EXPANSION, Family.SELECTION):
        return "asked"
    return "other"
