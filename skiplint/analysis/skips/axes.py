"""Whether a concatenation grows the feature axis, on which later layers mix, or sets things side by side.

Predictions of several detection heads, tokens of a sequence and outputs of many time steps are
concatenated too, but along positions; features of one position then never meet.
"""

from __future__ import annotations

import heapq

from skiplint.analysis.skips.joins import Join
from skiplint.analysis.skips.roles import is_selection
from skiplint.analysis.structure.flow import Flow
from skiplint.graph import Operand, Operation

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
    stacked = flow.graph.operations[join.index].base_name == "stack"
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
            return any(reached[each.producer] & contracted_axes(flow, operation, each) for each in sources)
        for reader in flow.readers[index]:
            following = flow.graph.operations[reader]
            moved = reached[index] if following.weighted else _carried(flow, following, index, reached[index])
            if not moved and following.base_name in PRODUCTS_OF_DATA:
                answer = False
            if moved and reader not in reached and following.kind != "output":
                reached[reader] = moved
                heapq.heappush(pending, reader)
    return answer


PRODUCTS_OF_DATA = frozenset({"matmul", "mm", "bmm", "baddbmm", "einsum", "scaled_dot_product_attention"})


def contracted_axes(flow: Flow, operation: Operation, operand: Operand) -> frozenset[int]:
    """The axes of ``operand`` over which a weighted layer or a product sums."""
    rank = len(flow.graph.spec(operand).shape)
    name = operation.base_name
    if name.startswith(("conv", "_conv", "deform_conv", "thnn", "slow_conv", "mkldnn")):
        spatial = len(operation.outputs[0].shape) - 2
        return frozenset({1 if rank > spatial + 1 or rank >= 3 else 0})
    if name == "einsum":
        letters = _einsum_letters(operation, operand)
        if letters is None:
            return frozenset(range(1, rank))
        mine, others, result = letters
        return frozenset(i for i, letter in enumerate(mine) if letter in others and letter not in result)
    if name == "scaled_dot_product_attention":
        place = operation.operands.index(operand)
        return frozenset({rank - 1} if place == 0 else {rank - 1, rank - 2} if place == 1 else {rank - 2})
    second = operand == operation.operands[-1] and operand != operation.operands[0]
    if second and name in ("matmul", "mm", "bmm", "addmm", "baddbmm"):
        return frozenset({max(rank - 2, 0)})
    return frozenset({rank - 1})


def _einsum_letters(operation: Operation, operand: Operand) -> tuple[str, str, str] | None:
    """The operand's own subscripts, those of the others and those of the result."""
    equation = operation.args[0] if operation.args else None
    if not isinstance(equation, str) or "..." in equation or "->" not in equation:
        return None
    given, result = equation.replace(" ", "").split("->")
    terms = given.split(",")
    place = operation.operands.index(operand)
    if place >= len(terms):
        return None
    return terms[place], "".join(terms[:place] + terms[place + 1 :]), result


def feature_axes(flow: Flow, operand: Operand) -> frozenset[int] | None:
    """The axes of a tensor on which the last weighted layer before it put its features; None if unknown."""
    chain: list[Operand] = [operand]
    while len(chain) <= _MAX_CHAIN:
        operation = flow.graph.operations[chain[-1].producer]
        if operation.weighted:
            rank = len(operation.outputs[0].shape)
            axes = frozenset({1 if operation.name.startswith("conv") else rank - 1})
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
    if not is_selection(operation) or len(reads) != 1:
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
        return _removed(operation, len(before))
    return frozenset(
        axis for axis, sizes in enumerate(zip(before, after, strict=False)) if sizes[1] == 1 != sizes[0]
    )


def _removed(operation: Operation, rank: int) -> frozenset[int]:
    """The axes that an integer index takes away."""
    name = operation.base_name
    if name in ("select", "unbind"):
        axis = operation.argument(1, "dim", 0)
        return frozenset({axis % rank}) if isinstance(axis, int) else frozenset()
    if name != "getitem" or len(operation.args) < 2:
        return frozenset()
    index = operation.args[1]
    items = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in items:
        at = items.index(Ellipsis)
        items[at : at + 1] = [slice(None)] * (rank - sum(item is not None for item in items) + 1)
    axes = [item for item in items if item is not None]
    return frozenset(axis for axis, item in enumerate(axes) if isinstance(item, int))


MOVES = frozenset({"permute", "transpose", "movedim", "t", "T", "mT", "swapaxes", "swapdims", "moveaxis"})
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
    if name in PRODUCTS_OF_DATA:
        return _through_product(flow, operation, operand, axes)
    if name in MOVES:
        return moved_axes(operation, axes, len(before))
    if name in _RESHAPES:
        return reshaped_axes(before, after, axes)
    if len(before) == len(after):
        return axes
    if is_selection(operation) and len(after) < len(before):
        gone = _removed(operation, len(before))
        kept = [axis for axis in range(len(before)) if axis not in gone]
        return frozenset(new for new, old in enumerate(kept) if old in axes)
    if name in ("sum", "mean", "amax", "amin", "max", "logsumexp") and len(after) < len(before):
        return reduced_axes(operation, axes, len(before))
    shift = len(after) - len(before)
    return frozenset(axis + shift for axis in axes if 0 <= axis + shift < len(after))


def _through_product(
    flow: Flow, operation: Operation, operand: Operand, axes: frozenset[int]
) -> frozenset[int]:
    kept = axes - contracted_axes(flow, operation, operand)
    letters = _einsum_letters(operation, operand) if operation.base_name == "einsum" else None
    if letters is not None:
        mine, _, result = letters
        return frozenset(result.index(mine[axis]) for axis in kept if mine[axis] in result)
    return frozenset(axis for axis in kept if axis < len(operation.outputs[0].shape))


def moved_axes(operation: Operation, axes: frozenset[int], rank: int) -> frozenset[int]:
    """Where ``axes`` of the operand are after a transposition or permutation."""
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


def reduced_axes(operation: Operation, axes: frozenset[int], rank: int) -> frozenset[int]:
    """Where a reduction that takes axes away leaves ``axes`` of its operand."""
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
