"""Whether a concatenation grows the feature axis, on which later layers mix, or sets things side by side.

Predictions of several detection heads, tokens of a sequence and outputs of many time steps are
concatenated too, but along positions; features of one position then never meet.
"""

from __future__ import annotations

import heapq

from skiplint.analysis.flow import Flow
from skiplint.analysis.joins import Join
from skiplint.graph import Operation

_MAX_VISITS = 200


def joins_features(flow: Flow, join: Join) -> bool:
    """Whether the next weighted layer contracts the concatenated axis.

    Where no weighted layer follows, whether the axis is the one on which the operands' own layers put
    their features. True if neither can be told.
    """
    if join.axis is None:
        return True
    contracted = _contracted(flow, join.index, join.axis)
    if contracted is not None:
        return contracted
    produced = _feature_axis(flow, join)
    return produced is None or produced == join.axis


def _contracted(flow: Flow, start: int, axis: int) -> bool | None:
    """Whether the first weighted layer that the axis reaches contracts it; None if it reaches none."""
    reached = {start: frozenset({axis})}
    pending = [start]
    for _ in range(_MAX_VISITS):
        if not pending:
            return None
        index = heapq.heappop(pending)
        operation = flow.graph.operations[index]
        if index != start and operation.weighted:
            sources = [each.producer for each in flow.reads[index] if each.producer in reached]
            return any(reached[each] & _contracted_axes(flow, operation, each) for each in sources)
        for reader in flow.readers[index]:
            following = flow.graph.operations[reader]
            moved = reached[index] if following.weighted else _carried(flow, following, index, reached[index])
            if moved and reader not in reached and following.kind != "output":
                reached[reader] = moved
                heapq.heappush(pending, reader)
    return None


def _contracted_axes(flow: Flow, operation: Operation, source: int) -> frozenset[int]:
    operand = next(each for each in flow.reads[operation.index] if each.producer == source)
    rank = len(flow.graph.spec(operand).shape)
    name = operation.base_name
    if name.startswith(("conv", "_conv", "deform_conv", "thnn", "slow_conv", "mkldnn")):
        spatial = len(operation.outputs[0].shape) - 2
        return frozenset({1 if rank > spatial + 1 or rank >= 3 else 0})
    first = operation.operands[0].producer == source
    if (
        name in ("matmul", "mm", "bmm", "addmm", "baddbmm")
        and not first
        and operation.operands[-1] is operand
    ):
        return frozenset({max(rank - 2, 0)})
    if name in ("einsum", "tensordot"):
        return frozenset(range(1, rank))
    return frozenset({rank - 1})


def _feature_axis(flow: Flow, join: Join) -> int | None:
    """Where the operands' last weighted layers put their features, as an axis of the result."""
    for branch in join.branches:
        index, hops = branch.operand.producer, 0
        while hops < 12:
            operation = flow.graph.operations[index]
            rank = len(operation.outputs[branch.operand.output if hops == 0 else 0].shape)
            if operation.weighted:
                return 1 if operation.name.startswith("conv") else rank - 1
            reads = flow.reads[index]
            if len(reads) != 1 or _keeps_axes(flow, operation) is False:
                return None
            index, hops = reads[0].producer, hops + 1
    return None


def _keeps_axes(flow: Flow, operation: Operation) -> bool:
    reads = flow.reads[operation.index]
    before = flow.graph.spec(reads[0]).shape
    return len(before) == len(operation.outputs[0].shape) and operation.base_name not in _MOVES


_MOVES = frozenset({"permute", "transpose", "movedim", "t", "T", "mT", "swapaxes", "swapdims", "moveaxis"})
_RESHAPES = frozenset(
    {"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "contiguous"}
)


def _carried(flow: Flow, operation: Operation, source: int, axes: frozenset[int]) -> frozenset[int]:
    """The axes of the result that hold what ``axes`` of the operand held; empty if they are summed away."""
    operand = next(each for each in flow.reads[operation.index] if each.producer == source)
    before = flow.graph.spec(operand).shape
    if not operation.outputs:
        return frozenset()
    after = operation.outputs[0].shape
    name = operation.base_name
    if name in _MOVES:
        return _moved(operation, axes, len(before))
    if name in _RESHAPES:
        return reshaped_axes(before, after, axes)
    if len(before) == len(after):
        return axes
    if name in ("sum", "mean", "amax", "amin", "max", "logsumexp") and len(after) < len(before):
        return _reduced(operation, axes, len(before))
    shift = len(after) - len(before)
    return frozenset(axis + shift for axis in axes if 0 <= axis + shift < len(after))


def _moved(operation: Operation, axes: frozenset[int], rank: int) -> frozenset[int]:
    name = operation.base_name
    if name == "permute":
        order = operation.args[1:]
        if len(order) == 1 and isinstance(order[0], tuple):
            order = order[0]
        order = order or operation.kwargs.get("dims", ())
        return frozenset(new for new, old in enumerate(order) if old % rank in axes)
    if name in ("t", "T"):
        return frozenset(rank - 1 - axis for axis in axes)
    if name == "mT":
        left, right = rank - 2, rank - 1
    else:
        left = operation.argument(1, "dim0", operation.kwargs.get("axis0", 0))
        right = operation.argument(2, "dim1", operation.kwargs.get("axis1", 0))
        if not (isinstance(left, int) and isinstance(right, int)):
            return axes
        left, right = left % rank, right % rank
        if name in ("movedim", "moveaxis"):
            moved = [axis for axis in range(rank) if axis != left]
            moved.insert(right, left)
            return frozenset(new for new, old in enumerate(moved) if old in axes)
    swap = {left: right, right: left}
    return frozenset(swap.get(axis, axis) for axis in axes)


def _reduced(operation: Operation, axes: frozenset[int], rank: int) -> frozenset[int]:
    dims = operation.argument(1, "dim", None)
    gone = {dims % rank} if isinstance(dims, int) else {dim % rank for dim in dims or range(rank)}
    kept = [axis for axis in range(rank) if axis not in gone]
    return frozenset(new for new, old in enumerate(kept) if old in axes)


def reshaped_axes(before: tuple[int, ...], after: tuple[int, ...], axes: frozenset[int]) -> frozenset[int]:
    """Axes of ``after`` that share elements with ``axes`` of ``before`` when one is reshaped to the other.

    Both shapes are cut into the shortest runs of axes with equal products; axes of a run mix only with
    each other. Axes of size 1 join the run in which they stand.
    """
    found: set[int] = set()
    i = j = 0
    while i < len(before) or j < len(after):
        left, right = [], []
        product_left = product_right = 1
        while True:
            if i < len(before) and (product_left <= product_right or j >= len(after)):
                product_left *= before[i]
                left.append(i)
                i += 1
            elif j < len(after):
                product_right *= after[j]
                right.append(j)
                j += 1
            if product_left == product_right and left and right:
                break
            if i >= len(before) and j >= len(after):
                break
        if axes & set(left):
            found.update(right)
    return frozenset(axis for axis in found if after[axis] != 1) or frozenset(found)
