"""Corrected calls for joins that fail on shapes: sums, products, concatenations, writes into a part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import torch

from skiplint.operators import Family
from skiplint.operators.axes import concatenated_axis
from skiplint.tracing.recovery.calls import Call, Candidate, Choice, Shape, as_meant


def broadcast(call: Call) -> Iterator[Candidate]:
    """Yield calls with one operand made to fit the others: a parameter first, then a mask, then the last."""
    shapes, places = call.shapes, range(len(call.shapes))
    if len(shapes) < 2:
        return
    learned = [isinstance(tensor, torch.nn.Parameter) for tensor in call.tensors]
    masks = [tensor.dtype == torch.bool for tensor in call.tensors]
    for odd in sorted(places, key=lambda place: (not learned[place], not masks[place], -place)):
        goal = _combined([shape for place, shape in enumerate(shapes) if place != odd])
        if goal is not None:
            wanted = _beside(shapes[odd], goal, aligned=any(learned) or masks[odd])
            if wanted != shapes[odd]:
                yield as_meant(call, "join", odd, {odd: wanted})
                if not learned[odd] and not masks[odd] and len(wanted) == len(shapes[odd]):
                    yield as_meant(call, "join", odd, {odd: wanted}, blame="operand")
    last = len(shapes) - 1
    yield as_meant(call, "join", last, {last: shapes[last - 1]})


def _combined(shapes: Sequence[Shape]) -> Shape | None:
    """The shape to which these broadcast; None if they do not."""
    try:
        return tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]
    except RuntimeError:
        return None


def _beside(shape: Shape, other: Shape, *, aligned: bool) -> Shape:
    """``shape`` corrected to broadcast with ``other``; its axes of one stay."""
    # A table of (T, C) goes with (N, H, T, C) as it stands.
    pairs_at_end = zip(reversed(shape), reversed(other), strict=False)
    table = len(shape) < len(other) and any(own == size for own, size in pairs_at_end)
    if len(shape) != len(other) and not aligned and not table:
        return _with_axes(shape, other) or other
    common = min(len(shape), len(other))
    spread = _with_axes(shape, other)
    if spread is not None:
        return spread
    pairs = zip(shape[len(shape) - common :], other[len(other) - common :], strict=True)
    sizes = (1 if own == 1 else own if size == 1 else size for own, size in pairs)
    return (*shape[: len(shape) - common], *sizes)


def _with_axes(shape: Shape, other: Shape) -> Shape | None:
    """``shape`` followed by axes of one, such as (N, C, 1, 1), if ``other`` has its sizes; else None."""
    for start in range(len(other) - len(shape)):
        if shape and other[start : start + len(shape)] == shape:
            return (*shape, *(1 for _ in other[start + len(shape) :]))
    return None


def concatenation(call: Call) -> Iterator[Candidate]:
    """Yield another axis, then operands with the most frequent, the largest and the smallest sizes."""
    shapes = call.shapes
    if len({len(shape) for shape in shapes}) != 1 or not shapes[0]:
        return
    kept = kept_axis(call)
    if kept is not None:
        other = _other_axis(shapes, kept)
        if other is not None:
            yield Candidate(Choice("join", 0, shapes[0], axis=other), concatenated(call, other))
    for pick in (_most, max, min):
        meant = [pick(sizes) for sizes in zip(*shapes, strict=True)]
        wanted = [tuple(size if i == kept else meant[i] for i, size in enumerate(shape)) for shape in shapes]
        odd = {i: wanted[i] for i, shape in enumerate(shapes) if shape != wanted[i]}
        if odd:
            yield as_meant(call, "join", min(odd), odd)


def is_concatenation(call: Call) -> bool:
    """Return whether the call sets operands side by side along an axis that they have."""
    return call.op.is_a(Family.CONCATENATION) and not call.op.is_a(Family.STACK)


def kept_axis(call: Call) -> int | None:
    """Return the axis along which the operands of a concatenation may differ; None if there is none."""
    rank = len(call.shapes[0])
    axis = concatenated_axis(call, rank) if is_concatenation(call) else None
    return axis if axis is not None and axis < rank else None


def concatenated(call: Call, axis: int) -> Call:
    """Return the concatenation along another axis."""
    if "dim" in call.op.settings:
        return call.with_setting("dim", axis)
    return Call(torch.cat, (list(call.tensors), axis), {})


def _most(sizes: tuple[int, ...]) -> int:
    """The most frequent size, the largest of several."""
    return max(Counter(sizes).items(), key=lambda item: (item[1], item[0]))[0]


def _other_axis(shapes: list[Shape], given: int) -> int | None:
    """The one axis on which the operands differ, if it is not the one that is concatenated."""
    differing = [axis for axis, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
    if len(differing) != 1 or differing[0] == given:
        return None
    # Sizes that differ by little are a rounded resolution, not another axis.
    sizes = sorted(shape[differing[0]] for shape in shapes)
    rounded = differing[0] >= 2 and sizes[-1] - sizes[0] <= max(sizes[0] // 4, 4)
    return None if rounded else differing[0]


def written(call: Call) -> Iterator[Candidate]:
    """Yield a write of a value of the shape of the part that it is written into."""
    if len(call.tensors) < 2 or len(call.args) < 3 or call.args[2] is not call.tensors[-1]:
        return
    try:
        place = call.args[0][call.args[1]]
    except (RuntimeError, IndexError, TypeError):
        return
    last = len(call.tensors) - 1
    yield as_meant(call, "join", last, {last: tuple(place.shape)})
