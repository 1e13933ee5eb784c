"""What a fault in the shapes is about: which layers made the operands, and what would make them fit."""

from __future__ import annotations

from dataclasses import dataclass

from skiplint.graph import Fault, ModelGraph, Operand, Operation

Shape = tuple[int, ...]
_MAX_LAYERS = 8


@dataclass(frozen=True, slots=True)
class Source:
    """An operand of a faulty call and where its shape comes from."""

    operand: Operand
    shape: Shape
    maker: Operation
    """The last weighted layer, concatenation or input before it."""
    layers: tuple[Operation, ...]
    """Weighted layers on the way back, nearest first."""


def sources_of(graph: ModelGraph, fault: Fault) -> tuple[Source, ...]:
    """The operands of the faulty call that are computed, in the order of the call."""
    operation = graph.operations[fault.operation]
    pairs = zip(operation.operands, fault.shapes, strict=True)
    return tuple(_source(graph, each, shape) for each, shape in pairs if graph.operations[each.producer].data)


def _source(graph: ModelGraph, operand: Operand, shape: Shape) -> Source:
    maker: Operation | None = None
    layers: list[Operation] = []
    index = operand.producer
    while len(layers) < _MAX_LAYERS:
        operation = graph.operations[index]
        if operation.weighted:
            layers.append(operation)
        if maker is None and (
            operation.weighted or operation.base_name == "cat" or operation.kind == "input"
        ):
            maker = operation
        upstream = [each.producer for each in operation.operands if graph.operations[each.producer].data]
        if not upstream:
            break
        index = upstream[0]
    return Source(operand, shape, maker or graph.operations[operand.producer], tuple(layers))


def is_convolutional(source: Source) -> bool:
    """Whether the shape is (batch, channels, space...), judged by the layer that made it."""
    makers = [layer.name for layer in source.layers[:1]] or [source.maker.name]
    return len(source.shape) >= 3 and makers[0].startswith(("conv", "_conv", "input"))


def strided(size: int, stride: int, kernel: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Output size of a convolution along one axis (torch.nn.Conv2d, "Shape")."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def matching_stride(have: Shape, want: Shape) -> int | None:
    """The stride with which a 1x1 convolution takes each size of ``have`` to that of ``want``."""
    if not have:
        return 1
    if any(wanted <= 0 or given < wanted for given, wanted in zip(have, want, strict=True)):
        return None
    stride = -(-have[0] // want[0])
    fits = all(strided(given, stride) == wanted for given, wanted in zip(have, want, strict=True))
    return stride if fits else None


def unpadded_layers(graph: ModelGraph, source: Source, missing: Shape) -> list[tuple[Operation, int]]:
    """Convolutions without padding that, padded to keep their size, make up for ``missing`` positions.

    Each with the padding that it needs; empty if they do not make up for exactly that.
    """
    found: list[tuple[Operation, int]] = []
    left = list(missing)
    for layer in source.layers:
        if not layer.name.startswith("conv") or "transpose" in layer.name or not any(left):
            break
        kernel = graph.spec(layer.operands[1]).shape[2:]
        padding, stride = layer.argument(4, "padding", 0), layer.argument(3, "stride", 1)
        if not _is(padding, 0) or not _is(stride, 1) or any(size % 2 == 0 for size in kernel):
            continue
        if any(size > 1 for size in kernel):
            found.append((layer, (kernel[0] - 1) // 2))
            left = [gap - (size - 1) for gap, size in zip(left, kernel, strict=True)]
    return found if found and not any(left) else []


def _is(value: object, number: int) -> bool:
    if isinstance(value, tuple):
        return all(item == number for item in value)
    return value == number
