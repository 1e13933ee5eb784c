"""Ways in which calls that cut and fold tensors may have been meant where the sizes do not work out."""

from __future__ import annotations

import math
from collections.abc import Iterator

from skiplint.graph import fitting_sizes
from skiplint.tracing.recovery.calls import Call, Candidate, Choice, as_meant


def reshape(call: Call) -> Iterator[Candidate]:
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


def unflatten(call: Call) -> Iterator[Candidate]:
    """An axis as long as the sizes that it is to be cut into."""
    axis, sizes = call.argument(1, "dim", default=0), call.argument(2, "sizes", "unflattened_size")
    shape = call.shapes[0]
    if not isinstance(axis, int) or not isinstance(sizes, (list, tuple)) or not shape:
        return
    known = math.prod(size for size in sizes if size != -1)
    axis %= len(shape)
    if known > 0:
        count = max(shape[axis] // known, 1) * known if -1 in sizes else known
        yield as_meant(call, "shape", 0, {0: (*shape[:axis], count, *shape[axis + 1 :])})


def expand(call: Call) -> Iterator[Candidate]:
    """One where another size than that was to be repeated."""
    first = call.argument(1, "size", "sizes")
    sizes = tuple(first) if isinstance(first, (list, tuple)) else call.args[1:]
    shape = call.shapes[0]
    if len(sizes) < len(shape) or not all(isinstance(size, int) for size in sizes):
        return
    wanted = sizes[len(sizes) - len(shape) :]
    pairs = zip(shape, wanted, strict=True)
    yield as_meant(call, "shape", 0, {0: tuple(own if size in (-1, own) else 1 for own, size in pairs)})


def unshuffled(call: Call) -> Iterator[Candidate]:
    """Height and width that can be folded into channels, the next below."""
    factor, shape = call.argument(1, "downscale_factor"), call.shapes[0]
    if isinstance(factor, int) and factor > 0 and len(shape) > 2:
        fitting = (max(size // factor, 1) * factor for size in shape[-2:])
        yield as_meant(call, "shape", 0, {0: (*shape[:-2], *fitting)})


def split(call: Call) -> Iterator[Candidate]:
    """An axis as long as the parts together."""
    sizes = call.argument(1, "split_size", "split_size_or_sections", "split_sizes")
    axis = call.argument(2, "dim", default=0)
    shape = call.shapes[0]
    if isinstance(sizes, (list, tuple)) and isinstance(axis, int) and shape:
        axis %= len(shape)
        wanted = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
        yield as_meant(call, "layer", 0, {0: wanted}, blame="operand")
