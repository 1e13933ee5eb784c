"""Whether a join could fail at another size: what the graph alone tells, before anything is run.

Every dimension of every tensor is followed from the inputs as a *course*: its size at a few sizes of the
input, by the arithmetic of strides, paddings and scales. Two operands of a join whose courses differ would
not meet at some of these sizes. Where the arithmetic is not known the course is not either.
"""

from __future__ import annotations

from skiplint.analysis.contract.axes import Axis
from skiplint.analysis.contract.courses import (
    STEPS,
    Courses,
    constant,
    convolved,
    kept,
    moved,
    pooled,
    scaled,
    shuffled,
    sliced,
    turned,
)
from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators import Family

JOINS = frozenset("add sub mul div lerp addcmul where cat stack concat concatenate hstack vstack".split())
_POOLS = ("max_pool", "avg_pool", "lp_pool")
_ENLARGING = (
    "upsample",
    "interpolate",
    "conv_transpose",
    "pixel_shuffle",
    "max_unpool",
    "grid_sampler",
    "fold",
)


def joins_may_depend(graph: ModelGraph, axes: tuple[Axis, ...]) -> bool:
    """Whether two operands of some join may differ in size where the input has another size.

    A dimension of unknown course counts in a model that enlarges what it made smaller, and not elsewhere.
    """
    enlarging = any(op.data and op.base_name.startswith(_ENLARGING) for op in graph)
    courses = courses_of(graph, axes)
    return any(
        operation.base_name in JOINS and _differ(graph, operation, courses, enlarging) for operation in graph
    )


def courses_of(graph: ModelGraph, axes: tuple[Axis, ...]) -> list[tuple[Courses, ...]]:
    """The courses of every result of every operation, where ``axes`` of the inputs change."""
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
    grown = operation.argument(1, "dim", 0) if operation.base_name.startswith("c") else None
    for dim in range(rank):
        if isinstance(grown, int) and dim == grown % rank:
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
        return tuple(tuple(map(constant, shape)) for shape in shapes)
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
    name, rank = operation.base_name, len(shape)
    if name.startswith("conv") and len(operation.operands) > 1 and len(first) == rank:
        return convolved(graph, operation, first, shape)
    if name.startswith(_POOLS) and len(first) == rank:
        return pooled(operation, first)
    if name.startswith("upsample") and len(first) == rank:
        return scaled(operation, first)
    if name == "pixel_shuffle":
        return shuffled(operation, first, shape)
    if name.startswith("adaptive"):
        return (*first[:2], *map(constant, shape[2:])) if len(first) == rank else (None,) * rank
    if name == "embedding":
        return (*first, constant(shape[-1]))
    if operation.op.is_a(Family.AXIS_MOVE):
        return moved(operation, first, rank)
    if name == "getitem" and len(first) == rank:
        return sliced(operation, first)
    return kept(data, shape, before)
