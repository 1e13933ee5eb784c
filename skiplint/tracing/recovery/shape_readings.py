"""Corrected calls for reshapes, expansions and splits whose sizes do not fit the tensor."""

from __future__ import annotations

import math
from collections.abc import Iterator

from skiplint.graph import fitting_sizes
from skiplint.operators.axes import packed
from skiplint.tracing.recovery.calls import Call, Candidate, Choice, as_meant


def reshape(call: Call) -> Iterator[Candidate]:
    """Yield the shape that was asked for (-1 becomes the nearest size below), then similar ones that fit."""
    sizes = packed(call, "sizes")
    if not sizes:
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


def unflatten(call: Call) -> Iterator[Candidate]:
    """Yield an input whose axis has as many positions as the sizes multiply to."""
    axis, sizes = call.setting("dim"), call.setting("sizes")
    shape = call.shapes[0]
    if not isinstance(axis, int) or not isinstance(sizes, (list, tuple)) or not shape:
        return
    known = math.prod(size for size in sizes if size != -1)
    axis %= len(shape)
    if known > 0:
        count = max(shape[axis] // known, 1) * known if -1 in sizes else known
        yield as_meant(call, "shape", 0, {0: (*shape[:axis], count, *shape[axis + 1 :])})


def expand(call: Call) -> Iterator[Candidate]:
    """Yield an input of size 1 on the axes that cannot be expanded."""
    sizes = packed(call, "sizes") if "sizes" in call.op.settings else None
    shape = call.shapes[0]
    if sizes is None or len(sizes) < len(shape):
        return
    wanted = sizes[len(sizes) - len(shape) :]
    pairs = zip(shape, wanted, strict=True)
    yield as_meant(call, "shape", 0, {0: tuple(own if size in (-1, own) else 1 for own, size in pairs)})


def unshuffled(call: Call) -> Iterator[Candidate]:
    """Yield an input whose height and width are the next smaller multiples of the factor."""
    factor, shape = call.setting("factor"), call.shapes[0]
    if isinstance(factor, int) and factor > 0 and len(shape) > 2:
        fitting = (max(size // factor, 1) * factor for size in shape[-2:])
        yield as_meant(call, "shape", 0, {0: (*shape[:-2], *fitting)})


def split(call: Call) -> Iterator[Candidate]:
    """Yield an input whose axis is as long as the parts together."""
    sizes, axis, shape = call.setting("sizes"), call.setting("dim"), call.shapes[0]
    if isinstance(sizes, (list, tuple)) and isinstance(axis, int) and shape:
        axis %= len(shape)
        wanted = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
        yield as_meant(call, "layer", 0, {0: wanted}, blame="operand")
