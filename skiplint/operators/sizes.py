"""How the sizes of a result follow from those of an operand, and back.

Formulas are those of the "Shape" sections in the documentation of torch.nn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skiplint.operators.axes import axis_order, index_items
from skiplint.operators.families import Family
from skiplint.operators.op import Call

Shape = tuple[int, ...]
_LARGEST = 1 << 24
"""Sizes that are tried when a map is inverted."""


@dataclass(frozen=True, slots=True)
class Follows:
    """The size of one axis of a result, as a function of the size of an axis of the first data operand."""

    axis: int
    change: Callable[[int], int] | None = None
    """Never falls where its argument grows; None if the size stays as it is."""

    def of(self, size: int) -> int:
        """The size of the result where the operand's is ``size``; 0 or less where the call would fail."""
        return size if self.change is None else self.change(size)

    def before(self, size: int) -> range:
        """The sizes of the operand that give ``size``; empty if none does."""
        return range(self._first_at_least(size), self._first_at_least(size + 1))

    def _first_at_least(self, size: int) -> int:
        low, high = 1, _LARGEST
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.of(middle) >= size else (middle + 1, high)
        return low


AxisSize = Follows | int | None
"""What the size of an axis follows, or the size that it always has; None if it is not known."""


def result_sizes(
    call: Call, operand: Shape, result: Shape, kernel: Shape = ()
) -> tuple[AxisSize, ...] | None:
    """What the size of each axis of the first result follows.

    Args:
        call: the call.
        operand: the shape of its first data operand.
        result: the shape of its result.
        kernel: the spatial sizes of a convolution's filter.

    Returns:
        One entry for each axis of ``result``; None where nothing is known of the function's sizes.
    """
    op, rank = call.op, len(operand)
    unknown: tuple[AxisSize, ...] = (None,) * len(result)
    if op.is_a(Family.AXIS_MOVE):
        order = axis_order(call, rank)
        return unknown if order is None else tuple(map(Follows, order))
    if op.is_a(Family.EMBEDDING):
        return (*map(Follows, range(rank)), result[-1]) if len(result) == rank + 1 else unknown
    if op.is_a(Family.INDEXED):
        return _cut(call, rank) if rank == len(result) else None
    if op.is_a(Family.PIXEL_SHUFFLE, Family.PIXEL_UNSHUFFLE):
        factor = op.setting(call, "factor")
        return _shuffled(call, rank, factor) if isinstance(factor, int) and rank >= 3 else unknown
    if rank != len(result) or rank < 2:
        return None
    space = _space(call, operand, kernel)
    if space is None:
        return None
    first = rank - len(space)
    channels = result[first - 1] if op.is_a(Family.CONVOLUTION) else Follows(first - 1)
    return (*map(Follows, range(first - 1)), channels, *_on(space, first))


Change = Callable[[int], int]


def _on(space: Sequence[Change | int | None], first: int) -> list[AxisSize]:
    """The spatial axes, of which the first is axis ``first`` of the tensor."""
    return [Follows(first + axis, each) if callable(each) else each for axis, each in enumerate(space)]


def _space(call: Call, operand: Shape, kernel: Shape) -> Sequence[Change | int | None] | None:
    """How each spatial axis changes; None where nothing is known of the function's sizes."""
    op, rank = call.op, len(operand)
    axes = op.space or len(kernel) or rank - 2
    if op.is_a(Family.CONVOLUTION):
        return _convolved(call, kernel) if kernel else None
    if op.is_a(Family.WINDOWED):
        return _pooled(call, axes)
    if op.is_a(Family.ADAPTIVE):
        wanted = _fixed(op.setting(call, "output_size"), axes)
        return [each if isinstance(each, int) else _same for each in wanted]
    if op.is_a(Family.RESAMPLING) and "scale_factors" in op.settings:
        factors = op.setting(call, "scale_factors")
        # A size that is given may have been computed from another tensor.
        if op.setting(call, "output_size") is not None or not isinstance(factors, (tuple, list)):
            return [None] * axes
        return [_scaling(float(factor)) for factor in factors] if len(factors) == axes else [None] * axes
    if op.is_a(Family.PADDING):
        amounts = op.setting(call, "pad")
        if not isinstance(amounts, (tuple, list)) or len(amounts) // 2 > rank - 1:
            return [None] * (rank - 1)
        if not all(isinstance(each, int) for each in amounts):
            return [None] * (rank - 1)
        added = [before + after for before, after in zip(amounts[::2], amounts[1::2], strict=True)][::-1]
        return [_adding(each) for each in added]
    return None


def _fixed(value: object, axes: int) -> Sequence[object]:
    if isinstance(value, (tuple, list)):
        return list(value) if len(value) == axes else [None] * axes
    return [value] * axes


def _convolved(call: Call, kernel: Shape) -> Sequence[Change | int | None]:
    op = call.op
    transposed = op.is_a(Family.TRANSPOSED) or op.setting(call, "transposed") is True
    given = op.setting(call, "padding")
    if given == "same":
        return [_same] * len(kernel)
    stride = each_axis(op.setting(call, "stride"), kernel)
    padding = each_axis(given, kernel)
    dilation = each_axis(op.setting(call, "dilation"), kernel)
    extra = each_axis(op.setting(call, "output_padding") if transposed else 0, kernel)
    if stride is None or padding is None or dilation is None or extra is None:
        return [None] * len(kernel)
    found: list[Change] = []
    for axis, size in enumerate(kernel):
        # What one position of the result sees beyond its own, less what padding adds.
        reach = dilation[axis] * (size - 1) - 2 * padding[axis]
        found.append(
            _stretching(stride[axis], reach + extra[axis]) if transposed else _striding(stride[axis], reach)
        )
    return found


def _pooled(call: Call, space: int) -> Sequence[Change | int | None]:
    axes = (0,) * space
    kernel = each_axis(call.op.setting(call, "kernel_size"), axes)
    stride = each_axis(call.op.setting(call, "stride"), axes) or kernel
    padding = each_axis(call.op.setting(call, "padding"), axes)
    dilation = each_axis(call.op.setting(call, "dilation") or 1, axes)
    ceil = call.op.setting(call, "ceil_mode") is True
    if kernel is None or stride is None or padding is None or dilation is None:
        return [None] * space
    return [
        _pooling(size, step, own, wide, ceil=ceil)
        for size, step, own, wide in zip(kernel, stride, padding, dilation, strict=True)
    ]


def _shuffled(call: Call, rank: int, factor: int) -> tuple[AxisSize, ...]:
    space, channels = _dividing(factor), _scaling(factor**2)
    if call.op.is_a(Family.PIXEL_SHUFFLE):
        space, channels = _scaling(factor), _dividing(factor**2)
    return (
        *map(Follows, range(rank - 3)),
        Follows(rank - 3, channels),
        Follows(rank - 2, space),
        Follows(rank - 1, space),
    )


def _cut(call: Call, rank: int) -> tuple[AxisSize, ...]:
    """Slices with steps; where one ends may have been computed from the size of another tensor."""
    items = index_items(call, rank)
    items += [slice(None)] * (rank - len(items))
    if not all(isinstance(item, slice) for item in items):
        return (None,) * rank
    return tuple(
        Follows(axis, _cutting(item)) if item.stop is None and isinstance(item.start, int | None) else None
        for axis, item in enumerate(items)
        if isinstance(item, slice)
    )


def _same(size: int) -> int:
    return size


def _striding(stride: int, reach: int) -> Change:
    return lambda size: (size - reach - 1) // stride + 1


def _stretching(stride: int, reach: int) -> Change:
    return lambda size: (size - 1) * stride + reach + 1


def _scaling(factor: float) -> Change:
    return lambda size: int(size * factor)


def _dividing(factor: int) -> Change:
    return lambda size: size // factor


def _adding(amount: int) -> Change:
    return lambda size: size + amount


def _cutting(cut: slice) -> Change:
    return lambda size: len(range(*cut.indices(size)))


def _pooling(kernel: int, stride: int, padding: int, dilation: int, *, ceil: bool) -> Change:
    def size_of(size: int) -> int:
        room = size + 2 * padding - dilation * (kernel - 1) - 1
        if not ceil:
            return room // stride + 1
        result = -(-room // stride) + 1
        # The last window starts inside the input or its left padding.
        return result - 1 if (result - 1) * stride >= size + padding else result

    return size_of


def strided(size: int, stride: int, kernel: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """The size that a convolution gives along one axis.

    Args:
        size: positions of the input on the axis.
        stride: step between two windows.
        kernel: positions of the filter.
        padding: positions added at each end.
        dilation: step between two positions of the filter.

    Source: torch.nn.Conv2d, "Shape".
    """
    return _striding(stride, dilation * (kernel - 1) - 2 * padding)(size)


def matching_stride(have: Shape, want: Shape) -> int | None:
    """The stride with which a 1x1 convolution takes each size of ``have`` to that of ``want``."""
    if not have:
        return 1
    if any(wanted <= 0 or given < wanted for given, wanted in zip(have, want, strict=True)):
        return None
    stride = -(-have[0] // want[0])
    fits = all(strided(given, stride) == wanted for given, wanted in zip(have, want, strict=True))
    return stride if fits else None


def each_axis(value: object, axes: Sequence[int]) -> Shape | None:
    """An argument such as a stride or a padding for each of ``axes``; None if it is no number."""
    if value == "valid":
        value = 0
    if isinstance(value, int):
        return (value,) * len(axes)
    if isinstance(value, (tuple, list)) and value and all(isinstance(item, int) for item in value):
        return tuple(value) if len(value) == len(axes) else tuple(value[:1]) * len(axes)
    return None


def as_argument(sizes: Shape) -> int | Shape:
    """One number for all axes where they are the same."""
    return sizes[0] if len(set(sizes)) == 1 else sizes
