"""Changes that make operands fit, each checked by shape arithmetic before it is named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from skiplint import Remedy
from skiplint.analysis.shapes import (
    Shape,
    Source,
    is_convolutional,
    matching_stride,
    strided,
    unpadded_layers,
)
from skiplint.analysis.skips.roles import is_unchanged
from skiplint.graph import Fault, ModelGraph, Operand, Operation, fitting_sizes

from ._reading import ACTIVATIONS, NORMS, sizes

_INPUTS = {
    "conv": "in_channels",
    "linear": "in_features",
    "batch_norm": "num_features",
    "instance_norm": "num_features",
    "group_norm": "num_channels",
    "layer_norm": "normalized_shape",
    "rms_norm": "normalized_shape",
    "multi_head_attention_forward": "embed_dim",
}
_OUTPUTS = {"conv": "out_channels", "linear": "out_features"}


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, in words, and as a mechanical change where that was checked."""

    text: str
    fix: Remedy | None = None


def _advice(fix: Remedy) -> Advice:
    return Advice(fix.description, fix)


# -- where a shape comes from ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Lane:
    """The way back from an operand to the layer that made it."""

    layer: Operation
    through_norm: bool
    alone: bool
    """Nothing else reads what lies on the way."""


def _lane(graph: ModelGraph, operand: Operand) -> _Lane | None:
    """None where anything but activations, norms and copies of one shape stands in between."""
    through_norm, alone = False, True
    shape = graph.spec(operand).shape
    for _ in range(16):
        operation = graph.operations[operand.producer]
        alone = alone and len(graph.consumers[operation.index]) == 1
        if operation.weighted:
            return _Lane(operation, through_norm, alone)
        name = operation.base_name
        if name in NORMS:
            through_norm = True
        elif name not in ACTIVATIONS and not is_unchanged(operation):
            return None
        if not operation.operands or operation.outputs[0].shape != shape:
            return None
        operand = operation.operands[0]
    return None


def _argument(names: dict[str, str], operation: Operation) -> str | None:
    """The constructor's argument in ``names``, if the call is all that a module of torch's own does."""
    if not operation.module or not operation.module_class.startswith("torch.nn.modules."):
        return None
    found = (given for name, given in names.items() if operation.base_name.startswith(name))
    return next(found, None)


def _built(operation: Operation, argument: str, old: Any, new: Any, words: str | None = None) -> Remedy:
    return Remedy(
        kind="module-argument",
        target=operation.module,
        argument=argument,
        old=old,
        new=new,
        description=words or f"build {operation.id} with {argument}={new} instead of {old}",
    )


# -- layers ----------------------------------------------------------------------------------------


def layer_advice(
    graph: ModelGraph, operation: Operation, fault: Fault, axis: int, unit: str, source: Source | None
) -> Advice:
    """The number that a layer, or the one before it, has to be built with."""
    operand = operation.operands[fault.operand]
    given, built = fault.actual[axis], fault.expected[axis]
    lane = _lane(graph, operand)
    if fault.blame == "operand" and lane is not None and not lane.through_norm:
        name = _argument(_OUTPUTS, lane.layer)
        need = f"{operation.id} and what runs behind it need that"
        words = f"build {lane.layer.id} with {built} output {unit}: {need}"
        if name is not None and lane.alone:
            return _advice(_built(lane.layer, name, given, built, words))
        return Advice(words)
    if fault.blame == "width" and operation.base_name == "linear":
        return Advice(f"build {operation.id} with {given} input and {given} output {unit} instead of {built}")
    norm = operation.base_name in NORMS
    words = f"build {operation.id} " + (
        f"for {given} {unit} instead of {built}" if norm else f"with {given} input {unit} instead of {built}"
    )
    maker = source.maker if source is not None else None
    if not norm and maker is not None and maker.base_name != "cat" and maker.weighted:
        words += f", or {maker.id} with {built} output {unit}"
    name = _argument(_INPUTS, operation)
    if name is None or not _divides(operation, given):
        return Advice(words)
    old: Any = built
    if name == "normalized_shape":
        old = fault.expected[-1]
    return _advice(_built(operation, name, old, given, words))


def _divides(operation: Operation, given: int) -> bool:
    """Whether the layer's groups or heads divide the number that it gets."""
    if operation.base_name.startswith("conv"):
        groups = operation.argument(6, "groups", 1)
    elif operation.base_name == "group_norm":
        groups = operation.argument(1, "num_groups", 1)
    elif operation.base_name == "multi_head_attention_forward":
        groups = operation.argument(4, "num_heads", 1)
    else:
        groups = 1
    return isinstance(groups, int) and given % groups == 0


def shape_advice(graph: ModelGraph, operation: Operation, fault: Fault) -> Advice | None:
    """The sizes for a reshape that asks for other than there are; the transposed operand of a product."""
    operand, have = operation.operands[fault.operand], fault.actual
    if operation.base_name in ("matmul", "bmm", "mm"):
        turned = (*fault.expected[:-2], *reversed(fault.expected[-2:]))
        if fault.operand != 1 or turned != have:
            return None
        words = f"transpose the second operand: {graph.operations[operand.producer].id} is {sizes(have)}"
        return _advice(_wrapped(operation, operand, "{}.transpose(-2, -1)", words))
    if operation.base_name in ("view", "reshape"):
        return _reshaped(operation, have, fault.expected)
    return None


def _reshaped(operation: Operation, have: Shape, expected: Shape) -> Advice | None:
    """One size changed so that the elements suffice."""
    packed = operation.argument(1, "shape", operation.kwargs.get("size"))
    asked = packed if isinstance(packed, tuple) else operation.args[1:]
    if not all(isinstance(size, int) for size in asked):
        return None
    total = math.prod(have)
    new = expected if math.prod(expected) == total else next(fitting_sizes(asked, total), None)
    if new is None:
        return None
    words = f"ask for {sizes(new)}, of as many elements as {sizes(have)}"
    remedy = Remedy(
        kind="call-argument",
        target=operation.id,
        argument="shape",
        old=tuple(asked),
        new=new,
        description=words,
    )
    return _advice(remedy)


# -- joins -----------------------------------------------------------------------------------------


def _wrapped(
    operation: Operation,
    operand: Operand,
    new: str,
    words: str,
    kind: Literal["wrap-operand", "insert-module"] = "wrap-operand",
) -> Remedy:
    return Remedy(
        kind=kind,
        target=operation.id,
        argument=operand.argument,
        old=None,
        new=new,
        description=words,
        safe=False,  # It runs, which does not say that a layer in between was not meant to fit by itself.
    )


def join_advice(
    graph: ModelGraph, operation: Operation, fault: Fault, odd: Source | None, sources: tuple[Source, ...]
) -> Advice:
    """What makes the operands of a join combine."""
    operand = operation.operands[fault.operand]
    have, want = fault.actual, fault.expected
    if fault.axis is not None:
        given = operation.argument(1, "dim", operation.kwargs.get("axis", 0))
        words = f"concatenate along dim={fault.axis} instead of {given}"
        return _advice(
            Remedy(
                kind="call-argument",
                target=operation.id,
                argument="dim",
                old=given,
                new=fault.axis,
                description=words,
            )
        )
    if odd is None:
        return Advice(f"give {graph.operations[operand.producer].id} the shape {sizes(want)}")
    if len(have) != len(want):
        return Advice(f"bring both operands to one shape, such as {sizes(want)}")
    return _whole(operation, graph, fault, _fitting(graph, operation, fault, odd, sources))


def _whole(operation: Operation, graph: ModelGraph, fault: Fault, advice: Advice) -> Advice:
    """Without its mechanical change where more operands than one would have to change."""
    if operation.base_name not in ("cat", "stack"):
        return advice
    axis = operation.argument(1, "dim", operation.kwargs.get("axis", 0))
    if not isinstance(axis, int) or not fault.expected:
        return Advice(advice.text)
    kept = axis % len(fault.expected) if operation.base_name == "cat" else -1
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
    if is_convolutional(odd):
        return _spatial(graph, operation, odd, want, sources)
    if have[:-1] == want[:-1]:
        lane = _lane(graph, odd.operand)
        if lane is not None and lane.alone and not lane.through_norm:
            name = _argument(_OUTPUTS, lane.layer)
            if name == "out_features":
                return _advice(_built(lane.layer, name, have[-1], want[-1]))
        new = f"nn.Linear({have[-1]}, {want[-1]})"
        words = f"project {odd.maker.id} with {new} before the join"
        return _advice(_wrapped(operation, odd.operand, new, words, "insert-module"))
    return Advice(f"bring {odd.maker.id} to {sizes(want)} before the join")


def _spatial(
    graph: ModelGraph, operation: Operation, odd: Source, want: Shape, sources: tuple[Source, ...]
) -> Advice:
    have = odd.shape
    concatenates = operation.base_name in ("cat", "stack")
    channels_fit = have[1] == want[1] or operation.base_name == "cat"
    if have[2:] != want[2:]:
        advice = _padded(graph, have, want, sources, channels_fit=channels_fit)
        if advice is None and channels_fit and not concatenates:
            advice = _restrided(graph, odd, want)
        if advice is not None:
            return advice
    if not channels_fit:
        return _projected(graph, operation, odd, want)
    target = tuple(want[2:])
    module = "F.interpolate" if len(have) <= 5 else "resample"
    words = f"resample {odd.maker.id} with {module}(..., size={target}), or crop both to one size"
    return _advice(_wrapped(operation, odd.operand, f"F.interpolate({{}}, size={target})", words))


def _padded(
    graph: ModelGraph, have: Shape, want: Shape, sources: tuple[Source, ...], *, channels_fit: bool
) -> Advice | None:
    """Convolutions that shrink one operand by exactly what is missing."""
    larger = tuple(max(pair) for pair in zip(have[2:], want[2:], strict=True))
    for source in sources:
        if len(source.shape) != len(have):
            continue
        missing = tuple(size - own for size, own in zip(larger, source.shape[2:], strict=True))
        layers = unpadded_layers(graph, source, missing) if any(missing) else []
        if not layers:
            continue
        named = " and ".join(f"padding={padding} in {layer.id}" for layer, padding in layers)
        words = f"keep the size of the branch: {named}"
        layer, padding = layers[0]
        if len(layers) == 1 and channels_fit and _argument(_INPUTS, layer) is not None:
            return _advice(_built(layer, "padding", layer.argument(4, "padding", 0), padding, words))
        return Advice(words)
    return None


def _restrided(graph: ModelGraph, odd: Source, want: Shape) -> Advice | None:
    """The stride with which the operand's own last convolution gives the size that is wanted."""
    lane = _lane(graph, odd.operand)
    if lane is None or not lane.alone or not lane.layer.name.startswith("conv"):
        return None
    layer = lane.layer
    if "transpose" in layer.name or _argument(_OUTPUTS, layer) is None:
        return None
    before = graph.spec(layer.operands[0]).shape[2:]
    kernel = graph.spec(layer.operands[1]).shape[2:]
    padding, dilation = (_each(layer.argument(4, "padding", 0)), _each(layer.argument(5, "dilation", 1)))
    if padding is None or dilation is None or not before:
        return None
    for stride in range(1, 9):
        made = [
            strided(size, stride, kernel[i], padding[i % len(padding)], dilation[i % len(dilation)])
            for i, size in enumerate(before)
        ]
        if tuple(made) == tuple(want[2:]):
            return _advice(_built(layer, "stride", layer.argument(3, "stride", 1), stride))
    return None


def _each(value: object) -> tuple[int, ...] | None:
    if isinstance(value, int):
        return (value,)
    if isinstance(value, tuple) and value and all(isinstance(item, int) for item in value):
        return value
    return None


def _projected(graph: ModelGraph, operation: Operation, odd: Source, want: Shape) -> Advice:
    """Another number of output channels, or a 1x1 convolution on the shortcut."""
    have, space = odd.shape, len(odd.shape) - 2
    lane = _lane(graph, odd.operand)
    if have[2:] == want[2:] and lane is not None and lane.alone and not lane.through_norm:
        name, groups = _argument(_OUTPUTS, lane.layer), lane.layer.argument(6, "groups", 1)
        if name == "out_channels" and isinstance(groups, int) and want[1] % groups == 0:
            return _advice(_built(lane.layer, name, have[1], want[1]))
    stride = matching_stride(have[2:], want[2:])
    layer = f"nn.Conv{space}d({have[1]}, {want[1]}, kernel_size=1"
    if stride is None:
        return Advice(f"resample {odd.maker.id} to {sizes(want[2:])} and project it with {layer})")
    new = f"{layer}, stride={stride})"
    words = f"put a projection on the shortcut from {odd.maker.id}: {new}"
    return _advice(_wrapped(operation, odd.operand, new, words, "insert-module"))


def advised_outputs(graph: ModelGraph, operand: Operand, want: Shape) -> Advice:
    """The number of outputs of the operand's own last layer for the shape ``want``."""
    have = graph.spec(operand).shape
    lane = _lane(graph, operand)
    last = 1 if lane is not None and lane.layer.name.startswith("conv") else len(have) - 1
    name = _argument(_OUTPUTS, lane.layer) if lane is not None else None
    if lane is not None and name is not None and lane.alone and not lane.through_norm:
        return _advice(_built(lane.layer, name, have[last], want[last]))
    return Advice(f"bring {graph.operations[operand.producer].id} to {sizes(want)} before the join")
