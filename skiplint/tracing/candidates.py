"""Ways in which a call that fails on shapes may have been meant, the likeliest first.

Each is the same call with blank tensors of other shapes (or another axis), together with what it says of
the fault. :mod:`skiplint.tracing.repair` takes the first one that runs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from skiplint.graph import Blame, FaultKind, fitting_sizes
from skiplint.tracing.naming import function_name
from skiplint.tracing.trees import replace

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What one reading says of the fault; the fields are those of :class:`skiplint.graph.Fault`."""

    kind: FaultKind
    operand: int
    expected: Shape
    actual: Shape = ()
    axis: int | None = None
    blame: Blame = "call"
    shapes: tuple[Shape, ...] = field(default=(), compare=False)


class Call:
    """A call of a torch function, and the same call with other tensors."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs

    @cached_property
    def name(self) -> str:
        """What the function is called, without the in-place mark."""
        return function_name(self.function).rstrip("_")

    @cached_property
    def tensors(self) -> list[Tensor]:
        """The tensors that the call reads, in the order of :attr:`Operation.operands`."""
        found: list[Tensor] = []

        def note(tensor: Tensor) -> Tensor:
            found.append(tensor)
            return tensor

        replace((self.args, dict(self.kwargs)), note)
        return found

    @cached_property
    def shapes(self) -> list[Shape]:
        """Their shapes."""
        return [tuple(map(int, tensor.shape)) for tensor in self.tensors]

    def argument(self, position: int, *keywords: str, default: Any = None) -> Any:
        """The argument at ``position`` or under one of ``keywords``."""
        for keyword in keywords:
            if keyword in self.kwargs:
                return self.kwargs[keyword]
        return self.args[position] if position < len(self.args) else default

    def resized(self, shapes: Mapping[int, Shape]) -> Call:
        """The call with blank tensors of ``shapes`` at these positions of :attr:`tensors`."""
        blanks = {
            id(self.tensors[place]): torch.empty(
                shape, dtype=self.tensors[place].dtype, device=self.tensors[place].device
            )
            for place, shape in shapes.items()
        }

        def change(tensor: Tensor) -> Tensor:
            return blanks.get(id(tensor), tensor)

        args, kwargs = replace((self.args, dict(self.kwargs)), change)
        return Call(self.function, args, kwargs)

    def along(self, axis: int) -> Call:
        """The call with ``axis`` in the place of its second argument, or of ``dim``."""
        if len(self.args) > 1:
            return Call(self.function, (self.args[0], axis, *self.args[2:]), self.kwargs)
        name = "axis" if "axis" in self.kwargs else "dim"
        return Call(self.function, self.args, {**self.kwargs, name: axis})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice and the call as it would then run; None where the result is as the first operand."""

    choice: Choice
    call: Call | None


def candidates(call: Call) -> Iterator[Candidate]:
    """The ways in which ``call`` may have been meant."""
    reading = _READINGS.get(call.name)
    if reading is not None and call.tensors:
        yield from reading(call)


def _resized(call: Call, kind: FaultKind, operand: int, shapes: Mapping[int, Shape]) -> Candidate:
    return Candidate(Choice(kind, operand, shapes[operand]), call.resized(shapes))


# -- joins -----------------------------------------------------------------------------------------


def _sum(call: Call) -> Iterator[Candidate]:
    """Both operands as the first, or both as the second."""
    if len(call.tensors) < 2:
        return
    first, second = len(call.shapes) - 2, len(call.shapes) - 1
    left, right = call.shapes[first], call.shapes[second]
    yield _resized(call, "join", second, {second: _beside(right, left)})
    yield _resized(call, "join", first, {first: _beside(left, right)})
    yield _resized(call, "join", second, {second: left})


def _beside(shape: Shape, other: Shape) -> Shape:
    """``shape`` made to go with ``other``, broadcast where it was meant to be."""
    if len(shape) != len(other):
        return other
    sizes = zip(shape, other, strict=True)
    return tuple(1 if own == 1 else own if size == 1 else size for own, size in sizes)


def _cat(call: Call) -> Iterator[Candidate]:
    """Another axis; all operands as most are on the other axes; as the largest; as the smallest."""
    shapes = call.shapes
    if len({len(shape) for shape in shapes}) != 1 or not shapes[0]:
        return
    axis = call.argument(1, "dim", "axis", default=0)
    if not isinstance(axis, int):
        return
    kept = axis % len(shapes[0]) if call.name == "cat" else None
    if kept is not None:
        other = _other_axis(shapes, kept)
        if other is not None:
            yield Candidate(Choice("join", 0, shapes[0], axis=other), call.along(other))
            return
    for pick in (_most, max, min):
        meant = [pick(sizes) for sizes in zip(*shapes, strict=True)]
        wanted = [tuple(size if i == kept else meant[i] for i, size in enumerate(shape)) for shape in shapes]
        odd = {i: wanted[i] for i, shape in enumerate(shapes) if shape != wanted[i]}
        if odd:
            yield _resized(call, "join", min(odd), odd)


def _most(sizes: tuple[int, ...]) -> int:
    """The most frequent size, the largest of several."""
    return max(Counter(sizes).items(), key=lambda item: (item[1], item[0]))[0]


def _other_axis(shapes: list[Shape], given: int) -> int | None:
    """The one axis on which the operands differ, if it is not the one that is concatenated."""
    differing = [axis for axis, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
    if len(differing) != 1 or differing[0] == given:
        return None
    # Sizes that differ by little are a rounded resolution, not another axis.
    sizes = sorted(shape[differing[0]] for shape in shapes)
    rounded = differing[0] >= 2 and sizes[-1] - sizes[0] <= max(sizes[0] // 4, 4)
    return None if rounded else differing[0]


def _setitem(call: Call) -> Iterator[Candidate]:
    """The value as large as the place that it is written to."""
    if len(call.tensors) < 2 or len(call.args) < 3 or call.args[2] is not call.tensors[-1]:
        return
    try:
        place = call.args[0][call.args[1]]
    except (RuntimeError, IndexError, TypeError):
        return
    last = len(call.tensors) - 1
    yield _resized(call, "join", last, {last: tuple(place.shape)})


# -- layers ----------------------------------------------------------------------------------------


def _convolution(call: Call) -> Iterator[Candidate]:
    data, weight = call.shapes[0], call.shapes[1]
    groups = call.argument(6, "groups", default=1)
    groups = groups if isinstance(groups, int) else 1
    channels = weight[0] if "transpose" in call.name else weight[1] * groups
    axis = len(data) - len(weight) + 1
    if axis not in (0, 1):
        return
    expected = (*data[:axis], channels, *data[axis + 1 :])
    if expected != data:
        yield _resized(call, "layer", 0, {0: expected})


def _linear(call: Call) -> Iterator[Candidate]:
    data, weight = call.shapes[0], call.shapes[1]
    if not data or len(weight) != 2 or data[-1] == weight[1]:
        return
    expected = (*data[:-1], weight[1])
    yield _resized(call, "layer", 0, {0: expected})
    if weight[0] == weight[1]:  # one width in and out: it may also have been meant to keep what it gets
        yield Candidate(Choice("layer", 0, expected, blame="width"), None)


def _recurrent(call: Call) -> Iterator[Candidate]:
    place = next((i for i, shape in enumerate(call.shapes) if i > 1 and len(shape) == 2), None)
    if place is None:
        return
    expected = (*call.shapes[0][:-1], call.shapes[place][1])
    if expected != call.shapes[0]:
        yield _resized(call, "layer", 0, {0: expected})


def _matmul(call: Call) -> Iterator[Candidate]:
    """Keys that were not transposed; the features that weights contract; one batch."""
    left, right = (1, 2) if call.name in ("addmm", "baddbmm") else (0, 1)
    if len(call.shapes) <= right or len(call.shapes[left]) < 1 or len(call.shapes[right]) < 2:
        return
    rows, columns = call.shapes[left], call.shapes[right]
    weights = [isinstance(call.tensors[place], torch.nn.Parameter) for place in (left, right)]
    if rows[-1] != columns[-2]:
        if rows[-1] == columns[-1] and not any(weights):
            turned = (*columns[:-2], columns[-1], columns[-2])
            yield _resized(call, "shape", right, {right: turned})
        if weights[0] and not weights[1]:
            yield _resized(call, "layer", right, {right: (*columns[:-2], rows[-1], columns[-1])})
        yield _resized(call, "layer" if weights[1] else "shape", left, {left: (*rows[:-1], columns[-2])})
    elif len(rows) == len(columns):
        yield _resized(call, "shape", right, {right: (*rows[:-2], *columns[-2:])})


def _einsum(call: Call) -> Iterator[Candidate]:
    """Each letter as the weights have it, else as the first operand that names it."""
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
        yield _resized(call, "layer" if any(weights) else "shape", min(odd), odd)


def _attention(call: Call) -> Iterator[Candidate]:
    """Keys as wide as the queries, values as many as the keys, one batch."""
    if len(call.shapes) < 3 or any(len(shape) < 2 for shape in call.shapes[:3]):
        return
    query, key, value = call.shapes[:3]
    wanted = {1: (*query[:-2], key[-2], query[-1]), 2: (*query[:-2], key[-2], value[-1])}
    odd = {place: shape for place, shape in wanted.items() if shape != call.shapes[place]}
    if odd:
        yield _resized(call, "shape", min(odd), odd)


def _multi_head(call: Call) -> Iterator[Candidate]:
    """``F.multi_head_attention_forward`` asserts the width that it was built for."""
    width = call.argument(3, "embed_dim_to_check")
    if not isinstance(width, int) or not call.shapes or call.shapes[0][-1] == width:
        return
    given = call.shapes[0][-1]
    odd = {
        place: (*shape[:-1], width) for place, shape in enumerate(call.shapes[:3]) if shape[-1:] == (given,)
    }
    yield _resized(call, "layer", 0, odd)
    yield Candidate(Choice("layer", 0, odd[0], blame="width"), None)


def _norm(call: Call) -> Iterator[Candidate]:
    """A norm keeps the shape that it gets; it may also have been meant for what it was built for."""
    shape = call.shapes[0]
    if call.name in ("layer_norm", "rms_norm"):
        wanted = call.argument(1, "normalized_shape", default=())
        expected = (*shape[: len(shape) - len(wanted)], *wanted)
    else:
        sizes = [other[0] for other in call.shapes[1:] if len(other) == 1]
        groups = call.argument(1, "num_groups") if call.name == "group_norm" else None
        if not sizes and isinstance(groups, int) and len(shape) > 1:
            sizes = [max(shape[1] // groups, 1) * groups]
        expected = (shape[0], sizes[0], *shape[2:]) if sizes and len(shape) > 1 else shape
    expected = tuple(map(int, expected))
    if expected != shape:
        yield Candidate(Choice("layer", 0, expected), None)
        meant = call.resized({0: expected})
        yield Candidate(Choice("layer", 0, expected, blame="operand"), meant)


# -- shapes ----------------------------------------------------------------------------------------


def _reshape(call: Call) -> Iterator[Candidate]:
    """The shape that was asked for (an open size becomes what is nearest below), or one that there is."""
    first = call.argument(1, "size", "shape", "dims")
    sizes = tuple(first) if isinstance(first, (list, tuple)) else call.args[1:]
    if not sizes or not all(isinstance(size, int) for size in sizes):
        return
    known = math.prod(size for size in sizes if size != -1)
    total = call.tensors[0].numel()
    if known <= 0:
        return
    count = max(total // known, 1) * known if -1 in sizes else known
    meant = tuple(count // known if size == -1 else size for size in sizes)
    yield Candidate(Choice("shape", 0, meant), call.resized({0: (count,)}))
    for own in fitting_sizes(sizes, total):
        yield Candidate(Choice("shape", 0, own), Call(call.tensors[0].reshape, own, {}))


def _unflatten(call: Call) -> Iterator[Candidate]:
    axis, sizes = call.argument(1, "dim", default=0), call.argument(2, "sizes", "unflattened_size")
    shape = call.shapes[0]
    if not isinstance(axis, int) or not isinstance(sizes, (list, tuple)) or not shape:
        return
    known = math.prod(size for size in sizes if size != -1)
    axis %= len(shape)
    if known > 0:
        count = max(shape[axis] // known, 1) * known if -1 in sizes else known
        yield _resized(call, "shape", 0, {0: (*shape[:axis], count, *shape[axis + 1 :])})


def _expand(call: Call) -> Iterator[Candidate]:
    first = call.argument(1, "size", "sizes")
    sizes = tuple(first) if isinstance(first, (list, tuple)) else call.args[1:]
    shape = call.shapes[0]
    if len(sizes) < len(shape) or not all(isinstance(size, int) for size in sizes):
        return
    wanted = sizes[len(sizes) - len(shape) :]
    pairs = zip(shape, wanted, strict=True)
    yield _resized(call, "shape", 0, {0: tuple(own if size in (-1, own) else 1 for own, size in pairs)})


def _split(call: Call) -> Iterator[Candidate]:
    sizes = call.argument(1, "split_size", "split_size_or_sections", "split_sizes")
    axis = call.argument(2, "dim", default=0)
    shape = call.shapes[0]
    if isinstance(sizes, (list, tuple)) and isinstance(axis, int) and shape:
        axis %= len(shape)
        yield _resized(call, "shape", 0, {0: (*shape[:axis], sum(sizes), *shape[axis + 1 :])})


def _named(words: str, reading: Callable[[Call], Iterator[Candidate]]) -> dict[str, Any]:
    return dict.fromkeys(words.split(), reading)


_READINGS: dict[str, Callable[[Call], Iterator[Candidate]]] = {
    **_named(
        "add sub mul div where maximum minimum pow lerp addcmul addcdiv broadcast_tensors mse_loss l1_loss "
        "smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits",
        _sum,
    ),
    **_named("cat stack", _cat),
    **_named("setitem", _setitem),
    **_named("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d", _convolution),
    **_named("linear", _linear),
    **_named("lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", _recurrent),
    **_named("matmul mm bmm addmm baddbmm", _matmul),
    **_named("einsum", _einsum),
    **_named("scaled_dot_product_attention", _attention),
    **_named("multi_head_attention_forward", _multi_head),
    **_named("batch_norm layer_norm group_norm instance_norm prelu rms_norm", _norm),
    **_named("view reshape", _reshape),
    **_named("unflatten", _unflatten),
    **_named("expand", _expand),
    **_named("split split_with_sizes unsafe_split unsafe_split_with_sizes", _split),
}
