"""What a call that fails on shapes was evidently meant to give, so that tracing can go on behind it.

The call is run again with blank tensors in place of the operands that do not fit: a convolution gets an
input of the channels it was built for, a sum gets two operands of one shape. Where two readings are
possible the other one is kept beside the result, and the next call that fails on it is tried with that
before it is called a fault of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.graph import FaultKind
from skiplint.tracing.naming import function_name
from skiplint.tracing.trees import replace

SHAPE_ERRORS = (RuntimeError, ValueError, IndexError)

_SUMS = frozenset("add sub mul div where maximum minimum pow lerp addcmul addcdiv".split())
_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
_TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_KEEP_SHAPE = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "prelu", "rms_norm"})
_RESHAPES = frozenset({"view", "reshape"})

Shape = tuple[int, ...]
Call = tuple[tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Repair:
    """A result in the place of a failed call's, and what the call would have needed."""

    result: Any
    kind: FaultKind
    operand: int
    """Which tensor of the call does not fit."""
    expected: Shape
    """The shape that it should have."""


class Repairs:
    """Repairs calls of one trace, and remembers where two readings were possible."""

    def __init__(self) -> None:
        self._readings: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def second_reading(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """The result with an operand as it could have been meant too, None if that fails as well."""
        for tensor in _tensors((args, kwargs)):
            shape = self._readings.get(tensor)  # type: ignore[no-untyped-call]
            if shape is not None:
                result = _run(function, *_with({id(tensor): shape}, (args, kwargs)))
                if result is not None:
                    return result
        return None

    def repair(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Repair | None:
        """The first candidate that runs, None if the call did not fail on shapes that we understand."""
        tensors = _tensors((args, kwargs))
        found: Repair | None = None
        for kind, operand, expected, changes in _candidates(
            function_name(function).rstrip("_"), tensors, args, kwargs
        ):
            blank: Any = torch.empty_like(tensors[0]) if changes is None else None
            result = blank if changes is None else _run(function, *_with(changes, (args, kwargs)))
            if result is None:
                continue
            if found is None:
                found = Repair(result, kind, operand, expected)
            elif isinstance(found.result, Tensor) and isinstance(result, Tensor):
                self._readings[found.result] = tuple(result.shape)
                break
        return found


def _run(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    try:
        return function(*args, **kwargs)
    except SHAPE_ERRORS:
        return None


def _tensors(call: Any) -> list[Tensor]:
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    replace(call, note)
    return found


def _with(changes: Mapping[int, Shape], call: Call) -> Call:
    """The call with blank tensors of other shapes for those whose id is in ``changes``."""

    def change(tensor: Tensor) -> Tensor:
        shape = changes.get(id(tensor))
        return tensor if shape is None else torch.empty(shape, dtype=tensor.dtype, device=tensor.device)

    args, kwargs = replace(call, change)
    return args, kwargs


Candidate = tuple[FaultKind, int, Shape, dict[int, Shape] | None]
"""Kind, operand and expected shape of the fault, and the shapes to run the call with (by id of the
tensor); None where the result has the shape of the first operand whatever the call says."""


def _candidates(
    name: str, tensors: list[Tensor], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[Candidate]:
    if not tensors:
        return
    shapes = [tuple(tensor.shape) for tensor in tensors]
    if name in _SUMS and len(tensors) >= 2:
        yield from _sum(tensors, shapes)
    elif name in ("cat", "stack"):
        yield from _cat(name, tensors, shapes, args, kwargs)
    elif name in _CONVOLUTIONS or name in _TRANSPOSED:
        yield from _convolution(name, tensors, shapes, args, kwargs)
    elif name in ("linear", "matmul", "mm", "bmm", "addmm", "lstm", "gru", "rnn_tanh", "rnn_relu"):
        yield from _contraction(name, tensors, shapes)
    elif name in _KEEP_SHAPE:
        yield from _norm(name, tensors, shapes, args)
    elif name in _RESHAPES:
        yield from _reshape(tensors, args)


def _sum(tensors: list[Tensor], shapes: list[Shape]) -> Iterator[Candidate]:
    """Both operands as the first, or both as the second."""
    left, right = shapes[-2:]
    first, second = len(shapes) - 2, len(shapes) - 1
    yield "join", second, left, {id(tensors[second]): left}
    yield "join", first, right, {id(tensors[first]): right}


def _cat(
    name: str, tensors: list[Tensor], shapes: list[Shape], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[Candidate]:
    """All operands as large as the largest, or as small as the smallest, on the other axes."""
    if len({len(shape) for shape in shapes}) != 1:
        return
    axis = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    if not isinstance(axis, int):
        return
    kept = axis % len(shapes[0]) if name == "cat" else None
    for pick in (max, min):
        meant = [pick(sizes) for sizes in zip(*shapes, strict=True)]
        wanted = [tuple(size if i == kept else meant[i] for i, size in enumerate(shape)) for shape in shapes]
        odd = [i for i, shape in enumerate(shapes) if shape != wanted[i]]
        if odd:
            yield "join", odd[0], wanted[odd[0]], {id(tensors[i]): wanted[i] for i in odd}


def _convolution(
    name: str, tensors: list[Tensor], shapes: list[Shape], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[Candidate]:
    groups = kwargs.get("groups", 1)
    position = 8 if name in _TRANSPOSED else 6
    if len(args) > position - (1 if name in _TRANSPOSED else 0):
        groups = args[6] if name in _CONVOLUTIONS else args[7 if len(args) > 7 else 6]
    groups = groups if isinstance(groups, int) else 1
    channels = shapes[1][0] if name in _TRANSPOSED else shapes[1][1] * groups
    spatial = len(shapes[1]) - 2
    if len(shapes[0]) < spatial + 1:
        return
    axis = len(shapes[0]) - spatial - 1
    expected = (*shapes[0][:axis], channels, *shapes[0][axis + 1 :])
    if expected != shapes[0]:
        yield "layer", 0, expected, {id(tensors[0]): expected}


def _contraction(name: str, tensors: list[Tensor], shapes: list[Shape]) -> Iterator[Candidate]:
    """The operand that meets the weights gets the features that they contract."""
    if name in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        weight = next((i for i, shape in enumerate(shapes) if i > 1 and len(shape) == 2), None)
        if weight is None:
            return
        place, features = 0, shapes[weight][1]
    else:
        place, weight = (1, 2) if name == "addmm" else (0, 1)
        if len(shapes) <= weight or not shapes[place] or len(shapes[weight]) < 1:
            return
        features = (
            shapes[weight][-1] if name == "linear" else shapes[weight][-2 if len(shapes[weight]) > 1 else 0]
        )
    expected = (*shapes[place][:-1], features)
    if expected != shapes[place]:
        learned = isinstance(tensors[weight], torch.nn.Parameter) or name == "linear"
        yield "layer" if learned else "shape", place, expected, {id(tensors[place]): expected}


def _norm(
    name: str, tensors: list[Tensor], shapes: list[Shape], args: tuple[Any, ...]
) -> Iterator[Candidate]:
    """A norm keeps the shape that it gets; it may also have been meant for what it was built for."""
    shape = shapes[0]
    if name in ("layer_norm", "rms_norm"):
        wanted = args[1] if len(args) > 1 and isinstance(args[1], (list, tuple)) else ()
        expected = (*shape[: len(shape) - len(wanted)], *wanted)
    else:
        sizes = [other[0] for other in shapes[1:] if len(other) == 1]
        expected = (shape[0], sizes[0], *shape[2:]) if sizes and len(shape) > 1 else shape
    if expected != shape:
        yield "layer", 0, tuple(expected), None
        yield "layer", 0, tuple(expected), {id(tensors[0]): tuple(expected)}


def _reshape(tensors: list[Tensor], args: tuple[Any, ...]) -> Iterator[Candidate]:
    """The shape that was asked for; an open size becomes what is nearest below."""
    sizes = args[1] if len(args) == 2 and isinstance(args[1], (list, tuple)) else args[1:]
    if not all(isinstance(size, int) for size in sizes):
        return
    known = 1
    for size in sizes:
        known *= size if size != -1 else 1
    total = tensors[0].numel()
    expected = (max(total // known, 1) * known,) if known > 0 and -1 in sizes else (known,)
    yield "shape", 0, tuple(sizes), {id(tensors[0]): expected}
