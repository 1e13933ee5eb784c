"""How sizes go through operations: the courses of a result from those of its operands.

Formulas are those of the "Shape" sections in the documentation of torch.nn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators.axes import moved_axes

STEPS = (0, 1, 2, 4, 7, 12, 20)
"""What is added to the size of the input at each point of a course."""

Course = tuple[int, ...] | None
"""A size for each of :data:`STEPS`, None where it is not known."""
Courses = tuple[Course, ...]
"""A course for each dimension of a tensor."""


def turned(number: int) -> tuple[int, ...]:
    """:data:`STEPS` for the axis of that number: in another order for each, so that two are told apart."""
    return (STEPS[0], *STEPS[1 + number :], *STEPS[1 : 1 + number])


def constant(size: int) -> Course:
    """A size that does not follow the input's."""
    return (size,) * len(STEPS)


def _map(course: Course, change: Callable[[int], int]) -> Course:
    return None if course is None else tuple(change(size) for size in course)


def _per_axis(value: object, space: int) -> list[int] | None:
    """A setting of a layer for each spatial axis, None where it is something else."""
    if isinstance(value, int):
        return [value] * space
    if isinstance(value, (tuple, list)) and all(isinstance(each, int) for each in value):
        return list(value) * (space if len(value) == 1 else 1)
    return None


def convolved(graph: ModelGraph, operation: Operation, first: Courses, shape: tuple[int, ...]) -> Courses:
    """Through a convolution or a transposed one."""
    space = len(first) - 2
    given = operation.argument(4, "padding", 0)
    if given == "same":
        return (first[0], constant(shape[1]), *first[2:])
    transposed = "transpose" in operation.name
    stride = _per_axis(operation.argument(3, "stride", 1), space)
    padding = _per_axis(given, space)
    dilation = _per_axis(operation.argument(7 if transposed else 5, "dilation", 1), space)
    extra = _per_axis(operation.argument(5, "output_padding", 0) if transposed else 0, space)
    if stride is None or padding is None or dilation is None or extra is None:
        return (first[0], constant(shape[1]), *(None,) * space)
    kernel = graph.spec(operation.operands[1]).shape[2:]
    courses: list[Course] = [first[0], constant(shape[1])]
    for axis in range(space):
        # What one position of the result sees beyond its own, less what padding adds.
        reach = dilation[axis] * (kernel[axis] - 1) - 2 * padding[axis]
        change = (
            _stretching(stride[axis], reach + extra[axis]) if transposed else _striding(stride[axis], reach)
        )
        courses.append(_map(first[2 + axis], change))
    return tuple(courses)


def _striding(stride: int, reach: int) -> Callable[[int], int]:
    return lambda size: (size - reach - 1) // stride + 1


def _stretching(stride: int, reach: int) -> Callable[[int], int]:
    return lambda size: (size - 1) * stride + reach + 1


def _scaling(factor: float) -> Callable[[int], int]:
    return lambda size: int(size * factor)


def _cutting(cut: slice) -> Callable[[int], int]:
    return lambda size: len(range(*cut.indices(size)))


def shuffled(operation: Operation, first: Courses, shape: tuple[int, ...]) -> Courses:
    """Through a pixel shuffle, of an image with a batch."""
    factor = operation.argument(1, "upscale_factor")
    if len(first) != 4 or not isinstance(factor, int):
        return (None,) * len(shape)
    space = [_map(course, _scaling(factor)) for course in first[2:]]
    return (first[0], constant(shape[1]), *space)


def pooled(operation: Operation, first: Courses) -> Courses:
    """Through a pooling by windows."""
    space = len(first) - 2
    average = operation.name.startswith("avg")
    kernel = _per_axis(operation.argument(1, "kernel_size"), space)
    stride = _per_axis(operation.argument(2, "stride"), space) or kernel
    padding = _per_axis(operation.argument(3, "padding", 0), space)
    dilation = _per_axis(1 if average else operation.argument(4, "dilation", 1), space)
    ceil = operation.argument(4 if average else 5, "ceil_mode", False) is True
    if kernel is None or stride is None or padding is None or dilation is None:
        return (*first[:2], *(None,) * space)
    return (
        *first[:2],
        *(
            _map(first[2 + axis], _pooling(kernel[axis], stride[axis], padding[axis], dilation[axis], ceil))
            for axis in range(space)
        ),
    )


def _pooling(kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> Callable[[int], int]:
    def size_of(size: int) -> int:
        room = size + 2 * padding - dilation * (kernel - 1) - 1
        if not ceil:
            return room // stride + 1
        result = -(-room // stride) + 1
        # The last window starts inside the input or its left padding.
        return result - 1 if (result - 1) * stride >= size + padding else result

    return size_of


def scaled(operation: Operation, first: Courses) -> Courses:
    """Through a resampling by a factor; one to a given size may have computed it from another tensor."""
    factors = next((each for each in operation.args[::-1] if isinstance(each, (tuple, list)) and each), ())
    given = operation.args[1] if len(operation.args) > 1 else None
    if given is not None or len(factors) != len(first) - 2:
        return (*first[:2], *(None,) * (len(first) - 2))
    space = [_map(course, _scaling(float(by))) for course, by in zip(first[2:], factors, strict=True)]
    return (*first[:2], *space)


def moved(operation: Operation, first: Courses, rank: int) -> Courses:
    """Through a transposition or permutation."""
    placed: list[Course] = [None] * rank
    for dim, course in enumerate(first):
        for place in moved_axes(operation, frozenset({dim}), len(first)):
            if place < rank:
                placed[place] = course
    return tuple(placed)


def sliced(operation: Operation, first: Courses) -> Courses:
    """Through slices with steps; where one ends may have been computed from the size of another tensor."""
    index = operation.args[1] if len(operation.args) > 1 else None
    items: Sequence[object] = index if isinstance(index, tuple) else (index,)
    cuts = [item for item in items if isinstance(item, slice)]
    if len(cuts) != len(items):
        return (None,) * len(first)
    cuts += [slice(None)] * (len(first) - len(cuts))
    return tuple(
        _map(course, _cutting(cut)) if cut.stop is None and isinstance(cut.start, (int, type(None))) else None
        for course, cut in zip(first, cuts, strict=True)
    )


def kept(data: list[Operand], shape: tuple[int, ...], before: list[tuple[Courses, ...]]) -> Courses:
    """Of anything else: a dimension that is as large as it was in an operand of the same rank."""
    found: list[Course] = [None] * len(shape)
    for operand in data:
        courses = before[operand.producer][operand.output]
        if len(courses) != len(shape):
            continue
        for dim, course in enumerate(courses):
            if found[dim] is None and course is not None and course[0] == shape[dim]:
                found[dim] = course
    return tuple(found)
