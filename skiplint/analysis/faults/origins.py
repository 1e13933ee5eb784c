"""Which layers made the operands of a shape fault, and which of their settings explain it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from skiplint.graph import Fault, ModelGraph, Operand, Operation
from skiplint.operators import Family
from skiplint.operators.sizes import Shape, each_axis

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
    """The operands of the faulty call that are computed from an input, in the order of the call."""
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
            operation.weighted or operation.op.is_a(Family.CONCATENATION) or operation.kind == "input"
        ):
            maker = operation
        upstream = [each.producer for each in operation.operands if graph.operations[each.producer].data]
        if not upstream:
            break
        index = upstream[0]
    return Source(operand, shape, maker or graph.operations[operand.producer], tuple(layers))


def is_convolutional(source: Source, sources: Collection[Source]) -> bool:
    """Whether a shape is (batch, channels, space...), judged by the layers that made the operands."""
    if len(source.shape) < 3:
        return False
    makers = [each.layers[0] for each in (source, *sources) if each.layers]
    convolutional = [maker.op.is_a(Family.CONVOLUTION) for maker in makers]
    if len(source.shape) > 3:
        return any(convolutional) or not makers
    return convolutional[0] if makers else True


def misfit_paddings(
    graph: ModelGraph, source: Source, others: Collection[Source], missing: Shape
) -> list[tuple[Operation, Shape]]:
    """Convolutions that would give ``missing`` more positions if they were padded to keep their size.

    Args:
        graph: the graph of the faulty model.
        source: the operand whose convolutions are tried.
        others: the other operands; what they are computed from as well is left as it is.
        missing: positions that are missing on each spatial axis.

    Returns:
        Each convolution with the padding that it needs; empty if together they do not give just ``missing``.
    """
    shared = frozenset().union(*(_ancestors(graph, other.operand) for other in others if other is not source))
    found: list[tuple[Operation, Shape]] = []
    left, operand = missing, source.operand
    while any(left) and operand.producer not in shared:
        layer = graph.operations[operand.producer]
        before = next((each for each in layer.operands if graph.operations[each.producer].data), None)
        if before is None:
            break
        keeping = _keeping(graph, layer)
        if keeping is not None and any(keeping[1]):
            found.append((layer, keeping[0]))
            left = tuple(gap - own for gap, own in zip(left, keeping[1], strict=True))
        elif keeping is None and not _keeps_space(graph, layer, before):
            break
        operand = before
    return found if found and not any(left) else []


def _ancestors(graph: ModelGraph, operand: Operand) -> frozenset[int]:
    """The operations that ``operand`` is computed from, directly or not."""
    seen, pending = {operand.producer}, [operand.producer]
    while pending:
        for each in graph.operations[pending.pop()].operands:
            if each.producer not in seen:
                seen.add(each.producer)
                pending.append(each.producer)
    return frozenset(seen)


def _keeps_space(graph: ModelGraph, operation: Operation, before: Operand) -> bool:
    """Also where the channels are the last axis for a while, as in ConvNeXt."""
    if operation.op.is_a(Family.AXIS_MOVE, Family.LINEAR):
        return True
    return graph.spec(before).shape[2:] == operation.outputs[0].shape[2:]


def _keeping(graph: ModelGraph, layer: Operation) -> tuple[Shape, Shape] | None:
    """The padding with which a convolution keeps each size, and by how much it shrinks them without."""
    convolution = layer.op.is_a(Family.CONVOLUTION) and not layer.op.is_a(Family.TRANSPOSED)
    if not convolution or len(layer.operands) < 2:
        return None
    kernel = graph.spec(layer.operands[1]).shape[2:]
    stride = each_axis(layer.setting("stride"), kernel)
    padding = each_axis(layer.setting("padding"), kernel)
    dilation = each_axis(layer.setting("dilation"), kernel)
    if stride is None or padding is None or dilation is None or any(step != 1 for step in stride):
        return None
    reach = tuple(step * (size - 1) for step, size in zip(dilation, kernel, strict=True))
    if any(size % 2 for size in reach):
        return None
    shrinks = tuple(size - 2 * own for size, own in zip(reach, padding, strict=True))
    return tuple(size // 2 for size in reach), shrinks


def is_between_inputs(graph: ModelGraph, fault: Fault) -> bool:
    """Whether only the shapes of the inputs explain the mismatch: no layer or parameter has a part in it."""
    operation = graph.operations[fault.operation]
    ancestors = frozenset({fault.operation}).union(*(_ancestors(graph, each) for each in operation.operands))
    return not any(
        graph.operations[index].weighted or graph.operations[index].kind not in ("call", "input")
        for index in ancestors
    )


def is_at_first_layer(graph: ModelGraph, fault: Fault) -> bool:
    """Whether the mismatch is between an input, in the shape that it has, and the first layer it reaches."""
    operation = graph.operations[fault.operation]
    if not operation.weighted:
        return False
    given = [each for each in operation.operands if graph.operations[each.producer].data]
    above = frozenset().union(*(_ancestors(graph, each) for each in given))
    return not any(
        graph.operations[index].weighted or graph.operations[index].op.is_a(Family.RESHAPE) for index in above
    )
