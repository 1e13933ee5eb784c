"""Corrected calls for layers that fail on shapes: their weights tell which input they take."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from skiplint.operators import Family
from skiplint.tracing.recovery.calls import Call, Candidate, Choice, Shape, as_meant
from skiplint.tracing.recovery.recurrent import asked_by_weights


def _wanting(call: Call, expected: Shape) -> Iterator[Candidate]:
    """The layer was built for the wrong width, or its input was made with the wrong one."""
    yield as_meant(call, "layer", 0, {0: expected})
    yield as_meant(call, "layer", 0, {0: expected}, blame="operand")


def _turned(call: Call, meant: Shape) -> Iterator[Candidate]:
    """The input has the channels, on another axis."""
    yield as_meant(call, "shape", 0, {0: meant})
    yield as_meant(call, "shape", 0, {0: meant}, blame="operand")


def convolution(call: Call) -> Iterator[Candidate]:
    """Yield inputs with the channels that the weights take."""
    data, weight = call.shapes[0], call.shapes[1]
    groups = call.setting("groups")
    transposed = call.op.is_a(Family.TRANSPOSED) or call.setting("transposed") is True
    channels = weight[0] if transposed else weight[1] * (groups if isinstance(groups, int) else 1)
    axis = len(data) - len(weight) + 1
    if axis not in (0, 1):
        return
    expected = (*data[:axis], channels, *data[axis + 1 :])
    if expected != data:
        if len(data) > 2 and axis == 1 and data[-1] == channels:
            yield from _turned(call, (*data[:1], data[-1], *data[1:-1]))
        yield from _wanting(call, expected)


def shuffled(call: Call) -> Iterator[Candidate]:
    """Yield inputs with a number of channels that divides: the next below and the next above."""
    shape = call.shapes[0]
    axis: object
    parts: object
    if call.op.is_a(Family.GATED_HALVES):
        axis, parts = call.setting("dim"), 2
    elif call.op.is_a(Family.PIXEL_SHUFFLE):
        axis, parts = -3, _squared(call.setting("factor"))
    else:
        axis, parts = 1, call.setting("groups")
    if not isinstance(parts, int) or not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return
    axis %= len(shape)
    below = (*shape[:axis], max(shape[axis] // parts, 1) * parts, *shape[axis + 1 :])
    if call.op.is_a(Family.CHANNEL_SHUFFLE):
        yield Candidate(Choice("layer", 0, below, blame="operand"), None)
    for count in (shape[axis] // parts, shape[axis] // parts + 1):
        if count and count * parts != shape[axis]:
            wanted = (*shape[:axis], count * parts, *shape[axis + 1 :])
            yield as_meant(call, "layer", 0, {0: wanted}, blame="operand")


def _squared(factor: object) -> int | None:
    return factor * factor if isinstance(factor, int) else None


def bilinear(call: Call) -> Iterator[Candidate]:
    """Yield two inputs of the widths that the weights take."""
    weight = call.shapes[2]
    wanted = {place: (*call.shapes[place][:-1], weight[1 + place]) for place in (0, 1)}
    odd = {place: shape for place, shape in wanted.items() if shape != call.shapes[place]}
    if odd:
        yield as_meant(call, "layer", min(odd), odd)


def linear(call: Call) -> Iterator[Candidate]:
    """Yield an input with the features that the weights take, and a layer built for the input."""
    data, weight = call.shapes[0], call.shapes[1]
    if not data or len(weight) != 2 or data[-1] == weight[1]:
        return
    expected = (*data[:-1], weight[1])
    if len(data) > 2 and data[1] == weight[1]:
        yield from _turned(call, (*data[:1], *data[2:], data[1]))
    yield from _wanting(call, expected)
    if weight[0] == weight[1]:  # the same width in and out: it may have been meant to keep the input's
        yield Candidate(Choice("layer", 0, expected, blame="width"), None)


def recurrent(call: Call) -> Iterator[Candidate]:
    """Yield an input and states of the sizes that the weights take; the fault names the first wrong one."""
    wanted = asked_by_weights(call)
    odd = {place: shape for place, shape in wanted.items() if shape != call.shapes[place]}
    if not odd:
        return
    place = min(odd)
    layer = odd[place][-1] != call.shapes[place][-1]
    yield as_meant(call, "layer" if layer else "shape", place, odd)
    if layer and place == 0:
        yield as_meant(call, "layer", place, odd, blame="operand")


def matmul(call: Call) -> Iterator[Candidate]:
    """Yield a transposed right factor, then factors with the width that weights take, then one batch size."""
    left, right = call.op.first_factor, call.op.first_factor + 1
    if len(call.shapes) <= right or len(call.shapes[left]) < 1 or len(call.shapes[right]) < 2:
        return
    rows, columns = call.shapes[left], call.shapes[right]
    weights = [isinstance(call.tensors[place], torch.nn.Parameter) for place in (left, right)]
    if rows[-1] != columns[-2]:
        if rows[-1] == columns[-1] and not any(weights):
            turned = (*columns[:-2], columns[-1], columns[-2])
            yield as_meant(call, "shape", right, {right: turned})
        if weights[0] and not weights[1]:
            yield as_meant(call, "layer", right, {right: (*columns[:-2], rows[-1], columns[-1])})
        yield as_meant(call, "layer" if weights[1] else "shape", left, {left: (*rows[:-1], columns[-2])})
    elif len(rows) == len(columns):
        yield as_meant(call, "shape", right, {right: (*rows[:-2], *columns[-2:])})


def einsum(call: Call) -> Iterator[Candidate]:
    """Yield operands in which each letter has its size in the weights, else in the first operand with it."""
    equation = call.args[0] if call.args else None
    if not isinstance(equation, str) or "." in equation:
        return
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    if [len(term) for term in terms] != [len(shape) for shape in call.shapes]:
        return
    weights = [isinstance(tensor, torch.nn.Parameter) for tensor in call.tensors]
    sizes: dict[str, int] = {}
    for place in sorted(range(len(terms)), key=lambda place: not weights[place]):
        for letter, size in zip(terms[place], call.shapes[place], strict=True):
            sizes.setdefault(letter, size)
    wanted = {place: tuple(sizes[letter] for letter in term) for place, term in enumerate(terms)}
    odd = {place: shape for place, shape in wanted.items() if shape != call.shapes[place]}
    if odd:
        yield as_meant(call, "layer" if any(weights) else "shape", min(odd), odd)


def attention(call: Call) -> Iterator[Candidate]:
    """Yield keys of the width of the queries, as many values as keys, and one batch size."""
    if len(call.shapes) < 3 or any(len(shape) < 2 for shape in call.shapes[:3]):
        return
    query, key, value = call.shapes[:3]
    wanted = {1: (*query[:-2], key[-2], query[-1]), 2: (*query[:-2], key[-2], value[-1])}
    odd = {place: shape for place, shape in wanted.items() if shape != call.shapes[place]}
    if odd:
        yield as_meant(call, "shape", min(odd), odd)


def multi_head(call: Call) -> Iterator[Candidate]:
    """Yield inputs of the width that the layer was built for, then a layer built for the inputs."""
    width = call.setting("width")
    if not isinstance(width, int) or len(call.shapes) < 3:
        return
    if call.shapes[0][-1] == width:
        yield from _keys(call)
        return
    given = call.shapes[0][-1]
    odd = {
        place: (*shape[:-1], width) for place, shape in enumerate(call.shapes[:3]) if shape[-1:] == (given,)
    }
    yield as_meant(call, "layer", 0, odd)
    yield as_meant(call, "layer", 0, odd, blame="operand")
    yield Candidate(Choice("layer", 0, odd[0], blame="width"), _of_width(call, width, given))


def _keys(call: Call) -> Iterator[Candidate]:
    """Keys or values of another width than their weights: the call with weights for their widths."""
    weights = [call.kwargs.get(f"{name}_proj_weight") for name in "kv"]
    odd = {
        place: weight
        for place, weight in enumerate(weights, 1)
        if isinstance(weight, torch.Tensor) and weight.shape[1] != call.shapes[place][-1]
    }
    places = {id(tensor): place for place, tensor in enumerate(call.tensors)}
    fitting = {
        places[id(weight)]: (int(weight.shape[0]), call.shapes[place][-1]) for place, weight in odd.items()
    }
    for place, weight in odd.items():
        expected = (*call.shapes[place][:-1], int(weight.shape[1]))
        yield Candidate(Choice("layer", place, expected), call.resized(fitting))


def _of_width(call: Call, built: int, given: int) -> Call:
    """Attention built for the width ``given`` instead of ``built``."""
    numbers = {built: given, 2 * built: 2 * given, 3 * built: 3 * given}
    weights = {
        place: tuple(numbers.get(size, size) for size in call.shapes[place])
        for place, tensor in enumerate(call.tensors)
        if isinstance(tensor, torch.nn.Parameter)
    }
    return call.resized(weights).with_setting("width", given)


def norm(call: Call) -> Iterator[Candidate]:
    """Yield the result as the input is (a norm keeps its shape), then an input that fits the norm."""
    if isinstance(call.function, torch._ops.OpOverload):
        return  # a kernel gives its statistics too
    shape, wanted = call.shapes[0], call.setting("normalized_shape")
    if wanted is not None:
        expected = (*shape[: len(shape) - len(wanted)], *wanted)
    else:
        sizes = [other[0] for other in call.shapes[1:] if len(other) == 1]
        groups = call.setting("groups")
        if not sizes and isinstance(groups, int) and len(shape) > 1:
            sizes = [max(shape[1] // groups, 1) * groups]
        expected = (shape[0], sizes[0], *shape[2:]) if sizes and len(shape) > 1 else shape
    expected = tuple(map(int, expected))
    if expected != shape:
        if wanted is not None and len(shape) > 2 and shape[1:2] == tuple(wanted):
            last = (*shape[:1], *shape[2:], shape[1])
            yield from _turned(call, last)
            yield Candidate(Choice("shape", 0, last, blame="width"), None)  # and turned back after it
        yield Candidate(Choice("layer", 0, expected), None)
        meant = call.resized({0: expected})
        yield Candidate(Choice("layer", 0, expected, blame="operand"), meant)
