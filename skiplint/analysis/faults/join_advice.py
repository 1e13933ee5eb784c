"""Advice that makes the operands of a join combine, checked by shape arithmetic before it is given."""

from __future__ import annotations

from skiplint.analysis.faults.advice import (
    Advice,
    advised,
    input_argument,
    lane_of,
    output_argument,
    rebuilt,
    turned,
    wrapped,
)
from skiplint.analysis.faults.origins import Source, is_convolutional, misfit_paddings
from skiplint.analysis.faults.remedy import Remedy
from skiplint.analysis.wording import shape_text
from skiplint.graph import Fault, ModelGraph, Operation
from skiplint.operators import Family
from skiplint.operators.axes import concatenated_axis
from skiplint.operators.sizes import Shape, as_argument, each_axis, matching_stride, strided


def join_advice(
    graph: ModelGraph, operation: Operation, fault: Fault, odd: Source | None, sources: tuple[Source, ...]
) -> Advice:
    """Advice that makes the operands of a join combine.

    Args:
        graph: the graph of the faulty model.
        operation: the join.
        fault: its fault.
        odd: the operand that does not fit, None where it is not computed.
        sources: all computed operands, from :func:`sources_of`.
    """
    operand = operation.operands[fault.operand]
    have, want = fault.actual, fault.expected
    if fault.axis is not None:
        if "dim" not in operation.op.settings:
            given = _axis(operation)
            return Advice(f"concatenate along dim={fault.axis} with torch.cat, instead of {given}")
        given = operation.setting("dim")
        words = f"concatenate along dim={fault.axis} instead of {given}"
        return advised(
            Remedy(
                kind="call-argument",
                target=operation.id,
                argument="dim",
                old=given,
                new=fault.axis,
                description=words,
            )
        )
    if odd is None or graph.spec(operand).dtype == "bool":
        return Advice(f"give {graph.operations[operand.producer].id} the shape {shape_text(want)}")
    if want[: len(have)] == have and len(want) > len(have):
        axes = ", None" * (len(want) - len(have))
        words = f"give {odd.maker.id} its missing axes: {shape_text(want)} instead of {shape_text(have)}"
        return advised(wrapped(operation, operand, f"{{}}[...{axes}]", words))
    if len(have) != len(want):
        return Advice(f"bring both operands to one shape, such as {shape_text(want)}")
    turn = turned(have, want) if not operation.op.is_a(Family.CONCATENATION) else None
    if turn is not None:
        how = turn.format("").lstrip(".")
        words = f"turn {odd.maker.id} from {shape_text(have)} to {shape_text(want)} with {how}"
        return advised(wrapped(operation, operand, turn, words))
    return _whole(operation, graph, fault, _fitting(graph, operation, fault, odd, sources))


def _axis(operation: Operation) -> int | None:
    return concatenated_axis(operation, len(operation.outputs[0].shape))


def _whole(operation: Operation, graph: ModelGraph, fault: Fault, advice: Advice) -> Advice:
    """Without its mechanical change where more operands than one would have to change."""
    if not operation.op.is_a(Family.CONCATENATION):
        return advice
    kept = _axis(operation)
    if kept is None or not fault.expected:
        return Advice(advice.text)
    kept = kept if not operation.op.is_a(Family.STACK) else -1
    for place, operand in enumerate(operation.operands):
        pairs = enumerate(zip(fault.shapes[place], fault.expected, strict=True))
        misfit = any(own != size and i != kept for i, (own, size) in pairs)
        if misfit and place != fault.operand:
            return Advice(f"{advice.text}; the same goes for {graph.operations[operand.producer].id}")
    return advice


def _fitting(
    graph: ModelGraph, operation: Operation, fault: Fault, odd: Source, sources: tuple[Source, ...]
) -> Advice:
    have, want = odd.shape, fault.expected
    if fault.blame == "operand":
        advice = _remade(odd, want)
        if advice is not None:
            return advice
    if is_convolutional(odd, sources):
        return _spatial(graph, operation, odd, want, sources)
    if have[:-1] == want[:-1]:
        lane = lane_of(graph, odd.operand)
        if lane is not None and lane.alone and not lane.through_norm:
            name = output_argument(lane.layer)
            if name == "out_features":
                return advised(rebuilt(lane.layer, name, have[-1], want[-1]))
        new = f"nn.Linear({have[-1]}, {want[-1]})"
        words = f"project {odd.maker.id} with {new} before the join"
        return advised(wrapped(operation, odd.operand, new, words, "insert-module"))
    return Advice(f"bring {odd.maker.id} to {shape_text(want)} before the join")


def _remade(odd: Source, want: Shape) -> Advice | None:
    """Build the layer that made an operand, or of which it is a part, as wide as the joins need it."""
    differing = [axis for axis, (own, size) in enumerate(zip(odd.shape, want, strict=True)) if own != size]
    name = output_argument(odd.maker)
    if len(differing) != 1 or name is None:
        return None
    made = odd.maker.outputs[0].shape
    given = made[1 if odd.maker.op.is_a(Family.CONVOLUTION) else -1]
    parts, rest = divmod(given, odd.shape[differing[0]])
    if rest:
        return None
    return advised(rebuilt(odd.maker, name, given, parts * want[differing[0]]))


def _spatial(
    graph: ModelGraph, operation: Operation, odd: Source, want: Shape, sources: tuple[Source, ...]
) -> Advice:
    have = odd.shape
    concatenates = operation.op.is_a(Family.CONCATENATION)
    channels_fit = have[1] == want[1] or (concatenates and _axis(operation) == 1)
    if have[2:] != want[2:]:
        advice = _padded(graph, have, want, sources, channels_fit=channels_fit)
        if advice is None and channels_fit and not concatenates:
            advice = _restrided(graph, odd, want)
        if advice is not None:
            return advice
    shrinks = not concatenates and matching_stride(have[2:], want[2:]) not in (None, 1)
    if not channels_fit or shrinks:
        return _projected(graph, operation, odd, want)
    target = tuple(want[2:])
    module = "F.interpolate" if len(have) <= 5 else "resample"
    words = f"resample {odd.maker.id} with {module}(..., size={target}), or crop both to one size"
    return advised(wrapped(operation, odd.operand, f"F.interpolate({{}}, size={target})", words))


def _padded(
    graph: ModelGraph, have: Shape, want: Shape, sources: tuple[Source, ...], *, channels_fit: bool
) -> Advice | None:
    """Convolutions that change the size of one operand by exactly what is missing, or too much."""
    larger = tuple(max(pair) for pair in zip(have[2:], want[2:], strict=True))
    for target in (larger, *(source.shape[2:] for source in sources)):
        for source in sources:
            if len(source.shape) != len(have) or len(target) != len(larger):
                continue
            missing = tuple(size - own for size, own in zip(target, source.shape[2:], strict=True))
            layers = misfit_paddings(graph, source, sources, missing)
            if layers:
                return _repadded(layers, channels_fit=channels_fit)
    return None


def _repadded(layers: list[tuple[Operation, Shape]], *, channels_fit: bool) -> Advice:
    named = " and ".join(f"padding={as_argument(padding)} in {layer.id}" for layer, padding in layers)
    words = f"keep the size of the branch: {named}"
    layer, padding = layers[0]
    if len(layers) == 1 and channels_fit and input_argument(layer) is not None:
        given = layer.setting("padding")
        return advised(rebuilt(layer, "padding", given, as_argument(padding), words))
    return Advice(words)


def _restrided(graph: ModelGraph, odd: Source, want: Shape) -> Advice | None:
    """The stride with which the operand's own last convolution gives the size that is wanted."""
    lane = lane_of(graph, odd.operand)
    if lane is None or not lane.alone or not lane.layer.op.is_a(Family.CONVOLUTION):
        return None
    layer = lane.layer
    if layer.op.is_a(Family.TRANSPOSED) or output_argument(layer) is None:
        return None
    before = graph.spec(layer.operands[0]).shape[2:]
    kernel = graph.spec(layer.operands[1]).shape[2:]
    padding = each_axis(layer.setting("padding"), kernel)
    dilation = each_axis(layer.setting("dilation"), kernel)
    if padding is None or dilation is None or not before:
        return None
    for stride in range(1, 9):
        made = [strided(size, stride, kernel[i], padding[i], dilation[i]) for i, size in enumerate(before)]
        if tuple(made) == tuple(want[2:]):
            return advised(rebuilt(layer, "stride", layer.setting("stride"), stride))
    return None


def _projected(graph: ModelGraph, operation: Operation, odd: Source, want: Shape) -> Advice:
    """Another number of output channels, or a 1x1 convolution on the shortcut."""
    have, space = odd.shape, len(odd.shape) - 2
    lane = lane_of(graph, odd.operand)
    if have[2:] == want[2:] and lane is not None and lane.alone and not lane.through_norm:
        name, groups = output_argument(lane.layer), lane.layer.setting("groups")
        if name == "out_channels" and isinstance(groups, int) and want[1] % groups == 0:
            return advised(rebuilt(lane.layer, name, have[1], want[1]))
    stride = matching_stride(have[2:], want[2:])
    layer = f"nn.Conv{space}d({have[1]}, {want[1]}, kernel_size=1"
    if stride is None:
        return Advice(f"resample {odd.maker.id} to {shape_text(want[2:])} and project it with {layer})")
    new = f"{layer}, stride={stride})"
    words = f"put a projection on the shortcut from {odd.maker.id}: {new}"
    return advised(wrapped(operation, odd.operand, new, words, "insert-module"))
