"""How the axes of a result come from those of an operand."""

from __future__ import annotations

from collections.abc import Collection

from skiplint.operators.families import Family
from skiplint.operators.op import Call

Shape = tuple[int, ...]


def moved_axes(call: Call, axes: frozenset[int], rank: int) -> frozenset[int]:
    """Where ``axes`` of an operand of ``rank`` are after a transposition or permutation.

    ``axes`` themselves where the call does not say.
    """
    order = axis_order(call, rank)
    return axes if order is None else frozenset(new for new, old in enumerate(order) if old in axes)


def axis_order(call: Call, rank: int) -> tuple[int, ...] | None:
    """For each axis of the result the one of the operand that it was; None if the call does not say."""
    op, settings = call.op, call.op.settings
    order = list(range(rank))
    if "sizes" in settings:  # permute
        given = packed(call, "sizes")
        known = given is not None and len(given) == rank
        return tuple(axis % rank for axis in given) if known and given is not None else None
    if "source" in settings:
        sources, goals = (_as_axes(op.setting(call, each), rank) for each in ("source", "destination"))
        if sources is None or goals is None or len(sources) != len(goals):
            return None
        order = [axis for axis in order if axis not in sources]
        for goal, source in sorted(zip(goals, sources, strict=True)):
            order.insert(goal, source)
        return tuple(order)
    if "dim1" in settings:
        pair = _as_axes(tuple(op.setting(call, each) for each in ("dim", "dim1")), rank)
        if pair is None:
            return None
        left, right = pair
    elif rank < 2:
        return tuple(order)
    elif op.name == "t":
        return tuple(reversed(order))
    else:  # mT
        left, right = rank - 2, rank - 1
    order[left], order[right] = order[right], order[left]
    return tuple(order)


def packed(call: Call, name: str) -> tuple[int, ...] | None:
    """A setting that is a list of numbers, given as one argument or as several; None if it is none."""
    setting = call.op.settings[name]
    given = setting.of(call)
    if isinstance(given, int) and setting.position is not None:
        given = tuple(call.args[setting.position :]) or (given,)
    if not isinstance(given, (tuple, list)) or not all(isinstance(each, int) for each in given):
        return None
    return tuple(given)


def _as_axes(value: object, rank: int) -> tuple[int, ...] | None:
    values = (value,) if isinstance(value, int) else value
    if not isinstance(values, (tuple, list)) or not all(isinstance(each, int) for each in values):
        return None
    return tuple(each % rank for each in values)


def reduced_axes(call: Call, axes: frozenset[int], rank: int) -> frozenset[int]:
    """Where a reduction that takes axes away leaves ``axes`` of its operand of ``rank``."""
    gone = _as_axes(call.op.setting(call, "dim"), rank) or tuple(range(rank))
    return without(axes, gone, rank)


def without(axes: frozenset[int], gone: Collection[int], rank: int) -> frozenset[int]:
    """Where ``axes`` of an operand of ``rank`` are once the axes ``gone`` are taken away."""
    kept = [axis for axis in range(rank) if axis not in gone]
    return frozenset(new for new, old in enumerate(kept) if old in axes)


def picked_axes(call: Call, rank: int) -> frozenset[int]:
    """The axes of an operand of ``rank`` of which a selection takes one position and which it takes away."""
    if call.op.is_a(Family.ONE_POSITION):
        axis = call.op.setting(call, "dim")
        return frozenset({axis % rank}) if isinstance(axis, int) else frozenset()
    if not call.op.is_a(Family.INDEXED) or len(call.args) < 2:
        return frozenset()
    return frozenset(axis for axis, item in enumerate(index_items(call, rank)) if isinstance(item, int))


def index_items(call: Call, rank: int) -> list[object]:
    """The items of an index expression for each axis of the operand from the first; no new axes among them.

    ``...`` becomes as many full slices as it stands for.
    """
    index = call.op.setting(call, "index")
    items = [item for item in (index if isinstance(index, tuple) else (index,)) if item is not None]
    places = [place for place, item in enumerate(items) if item is Ellipsis]
    if places:
        at = places[0]
        items[at : at + 1] = [slice(None)] * (rank - len(items) + 1)
    return items


def reshaped_axes(before: Shape, after: Shape, axes: frozenset[int]) -> frozenset[int]:
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


def concatenated_axis(call: Call, rank: int) -> int | None:
    """The axis of the result, of ``rank`` axes, along which the operands of a concatenation lie."""
    if "dim" in call.op.settings:
        axis = call.op.setting(call, "dim")
        return axis % rank if isinstance(axis, int) and rank else None
    return {"hstack": 0 if rank == 1 else 1, "vstack": 0, "dstack": 2}.get(call.op.name, 1)


def contracted_axes(call: Call, position: int, rank: int, operands: int) -> frozenset[int]:
    """The axes of an operand over which a layer or a product of tensors sums.

    Args:
        call: the layer or product.
        position: which of its operands it is.
        rank: the operand's number of axes.
        operands: how many operands the call has.
    """
    if call.op.is_a(Family.CONVOLUTION):
        return frozenset({rank - 1 - call.op.space if call.op.space else 1})
    if call.op.is_a(Family.SUBSCRIPTED):
        letters = subscripts(call, position)
        if letters is None:
            return frozenset(range(1, rank))
        mine, others, result = letters
        return frozenset(i for i, letter in enumerate(mine) if letter in others and letter not in result)
    if call.op.is_a(Family.ATTENTION) and not call.op.is_a(Family.MULTI_HEAD):
        last = {rank - 1}
        return frozenset(last if position == 0 else {rank - 1, rank - 2} if position == 1 else {rank - 2})
    if call.op.is_a(Family.MATRIX_PRODUCT) and position and position == operands - 1:
        return frozenset({max(rank - 2, 0)})
    return frozenset({rank - 1})


def subscripts(call: Call, position: int) -> tuple[str, str, str] | None:
    """The letters of operand ``position`` of an einsum, those of the others and those of the result.

    None where they are not written out.
    """
    equation = call.args[0] if call.args else None
    if not isinstance(equation, str) or "..." in equation or "->" not in equation:
        return None
    given, result = equation.replace(" ", "").split("->")
    terms = given.split(",")
    if position >= len(terms):
        return None
    return terms[position], "".join(terms[:position] + terms[position + 1 :]), result
