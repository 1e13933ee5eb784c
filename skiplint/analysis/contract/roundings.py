"""Tell from the graph alone whether a join could fail at another size of the input.

The size of every dimension of every tensor is computed at a few sizes of the input, from strides, paddings
and scales. These sizes are its *course*. Two operands of a join with different courses do not combine at some
of the sizes. If the arithmetic of an operation is unknown, so is the course.
"""

from __future__ import annotations

from skiplint.analysis.contract.axes import Axis
from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators import Family
from skiplint.operators.axes import concatenated_axis
from skiplint.operators.sizes import AxisSize, result_sizes

STEPS = (0, 1, 2, 4, 7, 12, 20)
"""The amounts by which the input is enlarged at each point of a course."""

Course = tuple[int, ...] | None
"""A size for each of :data:`STEPS`; None if it is not known."""
Courses = tuple[Course, ...]
"""A course for each dimension of a tensor."""

JOINS = (
    Family.ADDITION,
    Family.PRODUCT,
    Family.DIVISION,
    Family.BLEND,
    Family.ADDED_PRODUCT,
    Family.CHOICE,
    Family.CONCATENATION,
)
"""Operations that fail if their operands differ in size."""
_ENLARGING = (
    Family.RESAMPLING,
    Family.TRANSPOSED,
    Family.PIXEL_SHUFFLE,
    Family.UNPOOLING,
    Family.FOLDING,
)


def turned(number: int) -> tuple[int, ...]:
    """Return :data:`STEPS` for axis ``number``: in another order for each, so that two can be told apart."""
    return (STEPS[0], *STEPS[1 + number :], *STEPS[1 : 1 + number])


def joins_may_depend(graph: ModelGraph, axes: tuple[Axis, ...]) -> bool:
    """Return whether two operands of some join may differ in size if the input has another size.

    A dimension of unknown course counts as different in a model that resamples or enlarges feature maps, and
    is ignored in others.
    """
    enlarging = any(each.data and each.op.is_a(*_ENLARGING) for each in graph)
    courses = courses_of(graph, axes)
    return any(
        operation.op.is_a(*JOINS) and _differ(graph, operation, courses, enlarging) for operation in graph
    )


def courses_of(graph: ModelGraph, axes: tuple[Axis, ...]) -> list[tuple[Courses, ...]]:
    """Return the courses of every result of every operation, if ``axes`` of the inputs change."""
    courses: list[tuple[Courses, ...]] = []
    for operation in graph:
        courses.append(_courses(graph, operation, courses, axes))
    return courses


def _differ(
    graph: ModelGraph, operation: Operation, courses: list[tuple[Courses, ...]], enlarging: bool
) -> bool:
    data = [
        courses[each.producer][each.output]
        for each in operation.operands
        if graph.operations[each.producer].data and graph.spec(each).floating
    ]
    rank = len(operation.outputs[0].shape) if operation.outputs else 0
    grown = concatenated_axis(operation, rank) if operation.op.is_a(Family.CONCATENATION) else None
    for dim in range(rank):
        if dim == grown:
            continue
        met = {each[dim] for each in data if len(each) == rank}
        known = {each for each in met if each is not None and any(size != 1 for size in each)}
        if len(known) > 1 or (enlarging and None in met and len(data) > 1):
            return True
    return False


def _courses(
    graph: ModelGraph, operation: Operation, before: list[tuple[Courses, ...]], axes: tuple[Axis, ...]
) -> tuple[Courses, ...]:
    if operation.kind == "input":
        return (_of_input(graph, operation, axes),)
    shapes = [spec.shape for spec in operation.outputs]
    data = [each for each in operation.operands if graph.operations[each.producer].data]
    if not data:
        return tuple(tuple(map(_constant, shape)) for shape in shapes)
    first = before[data[0].producer][data[0].output]
    found: list[Courses] = []
    for shape in shapes:
        followed = _followed(graph, operation, data, first, shape, before)
        # The arithmetic has to give what was recorded, else it was not the right one.
        found.append(
            tuple(
                course if course is not None and course[0] == size else None
                for course, size in zip(followed, shape, strict=True)
            )
        )
    return tuple(found)


def _of_input(graph: ModelGraph, operation: Operation, axes: tuple[Axis, ...]) -> Courses:
    number = sum(each.kind == "input" for each in graph.operations[: operation.index])
    sizes = operation.outputs[0].shape
    steps = {
        dim: turned(turn) for turn, axis in enumerate(axes) for place, dim in axis.places if place == number
    }
    return tuple(
        tuple(size + step for step in steps.get(dim, (0,) * len(STEPS))) for dim, size in enumerate(sizes)
    )


def _followed(
    graph: ModelGraph,
    operation: Operation,
    data: list[Operand],
    first: Courses,
    shape: tuple[int, ...],
    before: list[tuple[Courses, ...]],
) -> Courses:
    has_filter = operation.op.is_a(Family.CONVOLUTION) and len(operation.operands) > 1
    kernel = graph.spec(operation.operands[1]).shape[2:] if has_filter else ()
    sizes = result_sizes(operation, graph.spec(data[0]).shape, shape, kernel)
    return _kept(data, shape, before) if sizes is None else tuple(_course(size, first) for size in sizes)


def _course(size: AxisSize, operand: Courses) -> Course:
    if size is None or isinstance(size, int):
        return None if size is None else _constant(size)
    course = operand[size.axis]
    return None if course is None else tuple(map(size.of, course))


def _constant(size: int) -> Course:
    """A size that does not follow the input's."""
    return (size,) * len(STEPS)


def _kept(data: list[Operand], shape: tuple[int, ...], before: list[tuple[Courses, ...]]) -> Courses:
    """After any other call: a dimension that is as large as it was in an operand of the same rank."""
    found: list[Course] = [None] * len(shape)
    for operand in data:
        courses = before[operand.producer][operand.output]
        if len(courses) != len(shape):
            continue
        for dim, course in enumerate(courses):
            if found[dim] is None and course is not None and course[0] == shape[dim]:
                found[dim] = course
    return tuple(found)
