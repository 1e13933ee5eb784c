"""Whether a concatenation grows the feature axis, on which later layers mix, or sets things side by side.

Predictions of several detection heads, tokens of a sequence and outputs of many time steps are
concatenated too, but along positions; features of one position then never meet.
"""

from __future__ import annotations

import heapq

from skiplint.analysis.flow import Flow
from skiplint.analysis.skips.joins import Join
from skiplint.graph import Operand, Operation
from skiplint.operators import Family
from skiplint.operators.axes import (
    contracted_axes,
    moved_axes,
    picked_axes,
    reduced_axes,
    reshaped_axes,
    subscripts,
    without,
)

_MAX_VISITS = 200
_MAX_CHAIN = 24


def joins_features(flow: Flow, join: Join) -> bool:
    """Whether the next weighted layer contracts the concatenated axis.

    Where no weighted layer follows, whether the axis is the one on which the operands' own layers put
    their features. True if neither can be told.
    """
    if join.axis is None:
        return True
    contracted = is_contracted(flow, join.index, join.axis)
    if contracted is not None:
        return contracted
    stacked = flow.graph.operations[join.index].op.is_a(Family.STACK)
    for branch in join.branches:
        produced = feature_axes(flow, branch.operand)
        if produced is not None:
            return not stacked and join.axis in produced
    return True


def is_contracted(flow: Flow, start: int, axis: int) -> bool | None:
    """Whether the first weighted layer that the axis reaches contracts it.

    False too where the axis ends in a product of two data tensors (tokens that attention sums over),
    None where it reaches neither.
    """
    reached = {start: frozenset({axis})}
    pending = [start]
    answer: bool | None = None
    for _ in range(_MAX_VISITS):
        if not pending:
            break
        index = heapq.heappop(pending)
        operation = flow.graph.operations[index]
        if index != start and operation.weighted:
            sources = [each for each in flow.reads[index] if each.producer in reached]
            return any(reached[each.producer] & contracted(flow, operation, each) for each in sources)
        for reader in flow.readers[index]:
            following = flow.graph.operations[reader]
            moved = reached[index] if following.weighted else _carried(flow, following, index, reached[index])
            if not moved and is_product(following):
                answer = False
            if moved and reader not in reached and following.kind != "output":
                reached[reader] = moved
                heapq.heappush(pending, reader)
    return answer


def is_product(operation: Operation) -> bool:
    """Whether it multiplies two tensors and sums over axes of them, as attention does."""
    return operation.op.is_a(Family.CONTRACTION, Family.ATTENTION)


def contracted(flow: Flow, operation: Operation, operand: Operand) -> frozenset[int]:
    """The axes of ``operand`` over which a weighted layer or a product sums."""
    rank, place = len(flow.graph.spec(operand).shape), operation.operands.index(operand)
    return contracted_axes(operation, place, rank, len(operation.operands))


def feature_axes(flow: Flow, operand: Operand) -> frozenset[int] | None:
    """The axes of a tensor on which the last weighted layer before it put its features; None if unknown."""
    chain: list[Operand] = [operand]
    while len(chain) <= _MAX_CHAIN:
        operation = flow.graph.operations[chain[-1].producer]
        if operation.weighted:
            rank = len(operation.outputs[0].shape)
            axes = frozenset({1 if operation.op.is_a(Family.CONVOLUTION) else rank - 1})
            for reader, source in zip(chain[-2::-1], chain[:0:-1], strict=True):
                axes = _carried(flow, flow.graph.operations[reader.producer], source.producer, axes)
            return axes
        reads = flow.reads[operation.index]
        if not reads:
            return None
        chain.append(reads[0])
    return None


def picks_one_position(flow: Flow, operation: Operation) -> bool:
    """Whether a selection takes one step of a sequence, one token, one item: not a part of the features."""
    reads = flow.reads[operation.index]
    if not operation.op.is_a(Family.SELECTION) or len(reads) != 1:
        return False
    axes = _selected(flow, operation)
    if not axes:
        return False
    features = feature_axes(flow, reads[0])
    return features is None or not axes <= features


def _selected(flow: Flow, operation: Operation) -> frozenset[int]:
    """The axes of which one position is left."""
    before, after = flow.graph.spec(operation.operands[0]).shape, operation.outputs[0].shape
    if len(after) < len(before):
        return picked_axes(operation, len(before))
    return frozenset(
        axis for axis, sizes in enumerate(zip(before, after, strict=False)) if sizes[1] == 1 != sizes[0]
    )


def _carried(flow: Flow, operation: Operation, source: int, axes: frozenset[int]) -> frozenset[int]:
    """The axes of the result that hold what ``axes`` of the operand held; empty if they are summed away."""
    operand = next(each for each in flow.reads[operation.index] if each.producer == source)
    before = flow.graph.spec(operand).shape
    if not operation.outputs:
        return frozenset()
    after = operation.outputs[0].shape
    op = operation.op
    if is_product(operation):
        return _through_product(flow, operation, operand, axes)
    if op.is_a(Family.AXIS_MOVE):
        return moved_axes(operation, axes, len(before))
    if op.is_a(Family.RESHAPE):
        return reshaped_axes(before, after, axes)
    if len(before) == len(after):
        return axes
    if op.is_a(Family.SELECTION) and len(after) < len(before):
        return without(axes, picked_axes(operation, len(before)), len(before))
    if op.is_a(Family.REDUCTION) and len(after) < len(before):
        return reduced_axes(operation, axes, len(before))
    shift = len(after) - len(before)
    return frozenset(axis + shift for axis in axes if 0 <= axis + shift < len(after))


def _through_product(
    flow: Flow, operation: Operation, operand: Operand, axes: frozenset[int]
) -> frozenset[int]:
    kept = axes - contracted(flow, operation, operand)
    written = operation.op.is_a(Family.SUBSCRIPTED)
    letters = subscripts(operation, operation.operands.index(operand)) if written else None
    if letters is not None:
        mine, _, result = letters
        return frozenset(result.index(mine[axis]) for axis in kept if mine[axis] in result)
    return frozenset(axis for axis in kept if axis < len(operation.outputs[0].shape))
