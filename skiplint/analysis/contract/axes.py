"""Which dimensions of a model's inputs are sizes: height and width of an image, length of a sequence.

Channels and features are none: the first layer that reads an input sums over them, so its weights fix them.
"""

from __future__ import annotations

from dataclasses import dataclass

from skiplint.analysis.flow import Flow, feature_flow
from skiplint.analysis.skips.axes import is_contracted
from skiplint.graph import InputInfo, ModelGraph, Operation

_SPATIAL = {1: ("width",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_COLOURS = (1, 3, 4)

Place = tuple[int, int]
"""An input, counted from 0, and a dimension of it."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One size of the inputs, and every dimension that changes with it."""

    name: str
    """``height``, ``width``, ``depth``, ``T`` or ``batch``; with its input where two have one of a name."""
    size: int
    """In the example."""
    places: tuple[Place, ...]


def free_axes(graph: ModelGraph) -> tuple[Axis, ...]:
    """The sizes of the inputs, those of the first input first; neither channels nor the batch.

    Dimensions of later inputs that are as large as one of the first follow it: masks, positions, a second
    image. One of 1 there is no size: it is spread over the first input, as a noise level over an image.
    """
    flow = feature_flow(graph)
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
    """The first dimension of the inputs, None where they have none in common or it may be something else."""
    shapes = [item.spec.shape for item in graph.inputs]
    if not shapes or len(shapes[0]) < 2:
        return None
    size = shapes[0][0]
    places = [(number, 0) for number, shape in enumerate(shapes) if shape and shape[0] == size]
    whole = all(shape[0] == size for shape in shapes if shape)
    return Axis("batch", size, tuple(places)) if whole else None


def _own_axes(flow: Flow, index: int, item: InputInfo) -> dict[int, str]:
    """The sizes among the dimensions of one input, by dimension."""
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
    """Whether all but the first dimension are what convolutions move over: a spectrogram, a grey image."""
    if any(is_contracted(flow, index, dim) is not False for dim in range(1, rank)):
        return False
    first = _first_weighted(flow, index)
    return bool(first) and all(
        "conv" in operation.base_name and len(operation.outputs[0].shape) == rank + 1 for operation in first
    )


def _first_weighted(flow: Flow, start: int) -> list[Operation]:
    """The weighted layers that an operation reaches through no other."""
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
    """Dimensions of a later input that change with those of the earlier ones."""
    taken: set[int] = set()
    for name, size, places in found:
        for dim, extent in enumerate(item.spec.shape):
            alike = own.get(dim) == name or (not own and dim > 0)
            if alike and extent == size and size > 1 and dim not in taken:
                places.append((number, dim))
                taken.add(dim)
    return taken
