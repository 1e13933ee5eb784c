"""How an axis of size one came to be: asked for, pooled, or left over by a layer with one output."""

from __future__ import annotations

from typing import Literal

from skiplint.analysis.skips.axes import MOVES, moved_axes, reduced_axes
from skiplint.analysis.structure.flow import Flow
from skiplint.graph import Operand, Operation

Maker = Literal["layer", "input", "pooled", "picked", "asked", "missing", "other"]
"""``layer``: a weighted layer with one output; ``input``: it came in so; ``pooled``: a reduction or pooling;
``picked``: a gather with one index, which keeps the axis; ``asked``: an unsqueeze, a reshape, a slice;
``missing``: there is no such axis, broadcasting adds it."""

_POOLS = ("adaptive_", "avg_pool", "max_pool", "lp_pool")
_REDUCTIONS = frozenset(
    "mean sum amax amin max min median nanmean logsumexp var std norm cumsum prod linalg_vector_norm".split()
)
_PICKS = frozenset({"gather", "take_along_dim"})
_ASKS = frozenset("unsqueeze view reshape unflatten flatten getitem select narrow expand rearrange".split())


def maker_of_one(flow: Flow, operand: Operand, axis: int) -> tuple[Maker, Operation]:
    """What made ``axis`` of ``operand``, which has size 1, and the operation that did."""
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
    axis = operation.argument(1, "dim")
    return axis % rank if isinstance(axis, int) else None


def _before(flow: Flow, operation: Operation, axis: int) -> tuple[Operand, int] | Maker:
    """The operand and the axis of it that ``axis`` of the result was, or what made it."""
    name, reads = operation.base_name, flow.reads[operation.index]
    if not reads or not operation.outputs:
        return "other"
    rank = len(operation.outputs[0].shape)
    source = reads[0]
    shape = flow.graph.spec(source).shape
    if name in MOVES or (name in _REDUCTIONS and rank < len(shape)):
        following = moved_axes if name in MOVES else reduced_axes
        places = range(len(shape))
        came = [old for old in places if following(operation, frozenset({old}), len(shape)) == {axis}]
        return (source, came[0]) if came and shape[came[0]] == 1 else "other"
    if operation.weighted:
        features = 1 if name.startswith("conv") else rank - 1
        if axis == features:
            return "layer"
        if name.startswith("conv") or len(shape) != rank:
            return "pooled" if axis >= len(shape) or shape[axis] != 1 else (source, axis)
    if len(shape) == rank and shape[axis] == 1:
        return source, axis
    if name in _PICKS and axis == _picked_axis(operation, rank):
        return "picked"
    if name in _REDUCTIONS or name.startswith(_POOLS):
        return "pooled"
    if name in _ASKS:
        return "asked"
    return "other"
