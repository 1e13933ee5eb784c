"""Find the free dimensions of a model's inputs: height and width of an image, length of a sequence.

Channels and features are not free: the first layer that reads an input sums over them, so its weights fix
their number.
"""

from __future__ import annotations

from dataclasses import dataclass

from skiplint.analysis.flow import Flow
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips.axes import is_contracted
from skiplint.graph import InputInfo, ModelGraph, Operation
from skiplint.operators import Family

_SPATIAL = {1: ("width",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_COLOURS = (1, 3, 4)

Place = tuple[int, int]
"""The number of an input and of one of its dimensions, both from 0."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One free size of the inputs, and all dimensions that have this size."""

    name: str
    """``height``, ``width``, ``depth``, ``T`` or ``batch``; with the input if two have the same name."""
    size: int
    """Its value in the example inputs."""
    places: tuple[Place, ...]


class FreeAxes:
    """The free sizes of the inputs of a traced model, as :func:`free_axes` finds them."""

    @staticmethod
    def compute(analysis: TracedModel) -> tuple[Axis, ...]:
        """Find them in the flow that all analyses share."""
        return free_axes(analysis.of(Flow))


def free_axes(flow: Flow) -> tuple[Axis, ...]:
    """Return the free sizes of the inputs, those of the first input first, without channels and batch.

    A dimension of a later input (a mask, positions, a second image) that is as large as one of the first
    input belongs to the same axis. One of size 1 there is broadcast over the first input, as a noise level
    over an image, and is no free size.
    """
    graph = flow.graph
    inputs = [operation.index for operation in graph if operation.kind == "input"]
    if len(inputs) != len(graph.inputs):
        return ()
    found: list[tuple[str, int, list[Place]]] = []
    for number, item in enumerate(graph.inputs):
        own = _own_axes(flow, inputs[number], item)
        taken = _follow(found, number, item, own)
        for dim, name in own.items():
            if dim not in taken and not (number and item.spec.shape[dim] == 1):
                found.append((name, item.spec.shape[dim], [(number, dim)]))
    names = [name for name, _, _ in found]
    return tuple(
        Axis(_unique(name, names, graph.inputs[places[0][0]]), size, tuple(places))
        for name, size, places in found
    )


def _unique(name: str, names: list[str], item: InputInfo) -> str:
    return name if names.count(name) == 1 else f"{name} of {item.name}"


def batch_axis(graph: ModelGraph) -> Axis | None:
    """Return the axis of the batch, the first dimension of all inputs; None if it differs among them."""
    shapes = [item.spec.shape for item in graph.inputs]
    if not shapes or len(shapes[0]) < 2:
        return None
    size = shapes[0][0]
    places = [(number, 0) for number, shape in enumerate(shapes) if shape and shape[0] == size]
    whole = all(shape[0] == size for shape in shapes if shape)
    return Axis("batch", size, tuple(places)) if whole else None


def _own_axes(flow: Flow, index: int, item: InputInfo) -> dict[int, str]:
    """The names of the free dimensions of one input."""
    shape = item.spec.shape
    if len(shape) in (3, 4) and item.spec.floating and _is_image_without_channels(flow, index, len(shape)):
        return dict(enumerate(_SPATIAL[len(shape) - 1], 1))
    if len(shape) in (4, 5) and item.spec.floating:
        return _image_axes(flow, index, shape)
    if len(shape) == 3 and item.spec.floating:
        summed = [dim for dim in (1, 2) if is_contracted(flow, index, dim)]
        return {3 - summed[0]: "T"} if len(summed) == 1 else {}
    if len(shape) == 2 and not item.spec.dtype.startswith("bool"):
        is_sequence = not item.spec.floating or is_contracted(flow, index, 1) is False
        return {1: "T"} if is_sequence else {}
    return {}


def _is_image_without_channels(flow: Flow, index: int, rank: int) -> bool:
    """Whether convolutions slide over all dimensions but the first, as over a spectrogram."""
    if any(is_contracted(flow, index, dim) is not False for dim in range(1, rank)):
        return False
    first = _first_weighted(flow, index)
    return bool(first) and all(
        operation.op.is_a(Family.CONVOLUTION) and len(operation.outputs[0].shape) == rank + 1
        for operation in first
    )


def _first_weighted(flow: Flow, start: int) -> list[Operation]:
    """The first weighted layers on the paths from an operation."""
    pending, seen, found = [start], {start}, []
    while pending:
        for reader in flow.readers[pending.pop()]:
            if reader in seen:
                continue
            seen.add(reader)
            if flow.graph.operations[reader].weighted:
                found.append(flow.graph.operations[reader])
            else:
                pending.append(reader)
    return found


def _image_axes(flow: Flow, index: int, shape: tuple[int, ...]) -> dict[int, str]:
    names = _SPATIAL[len(shape) - 2]
    last = len(shape) - 1
    channels_last = shape[last] in _COLOURS and shape[1] not in _COLOURS
    if channels_last and is_contracted(flow, index, last) is not False:
        return dict(enumerate(names, 1))
    return dict(enumerate(names, 2))


def _follow(
    found: list[tuple[str, int, list[Place]]], number: int, item: InputInfo, own: dict[int, str]
) -> set[int]:
    """The dimensions of a later input that belong to an axis of an earlier one, which are added to it."""
    taken: set[int] = set()
    for name, size, places in found:
        for dim, extent in enumerate(item.spec.shape):
            alike = own.get(dim) == name or (not own and dim > 0)
            if alike and extent == size and size > 1 and dim not in taken:
                places.append((number, dim))
                taken.add(dim)
    return taken
