"""Templates: shapes with open sizes that the search tries for an input.

In the shape of a template "B" is the batch, "S" an image side, "T" a number of tokens or frames,
"L" a signal length and "V" the side of a volume.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skiplint.operators import Family
from skiplint.targets.inputs.tensors import TensorPlan

if TYPE_CHECKING:
    from skiplint.targets.inputs.layers import Use

Size = int | str

USUAL: dict[str, tuple[int, ...]] = {
    "S": (
        224,
        256,
        32,
        28,
        64,
        128,
        299,
        512,
        384,
        96,
        48,
        16,
        84,
        572,
        227,
        160,
        192,
        112,
        240,
        336,
        448,
        1024,
        8,
    ),
    "T": (16, 32, 64, 128, 8, 10, 512, 256, 100, 50, 20, 12, 24, 96, 4, 1024),
    "L": (1024, 16000, 4096, 128, 256, 512, 2048, 32, 64, 16384, 28, 100, 1000, 784, 500, 80, 187, 3000),
    "V": (32, 64, 96, 128, 16, 112, 48, 224),
}
"""The sizes to try, the likeliest first."""


@dataclass(frozen=True)
class Template:
    """A shape with open sizes."""

    shape: tuple[Size, ...]
    dtype: str = "float32"
    high: Size | None = None
    """Integers are below this number or open size."""
    why: str = ""
    low: Size = 0
    """Integers are not below this number or open size."""

    def plan(self, sizes: Mapping[str, int]) -> TensorPlan:
        """Return the tensor for given sizes; "W" is the last side of an image that is not square."""

        def size_of(size: Size) -> int:
            return size if isinstance(size, int) else sizes.get(size, 1)

        shape = [size_of(size) for size in self.shape]
        sides = [place for place, size in enumerate(self.shape) if size == "S"]
        if len(sides) > 1 and "W" in sizes:
            shape[sides[-1]] = sizes["W"]
        high = None if self.high is None else size_of(self.high)
        if self.high is not None and self.high == self.low:
            high = size_of(self.low) + 1
        return TensorPlan(tuple(shape), self.dtype, size_of(self.low), high)

    @property
    def symbols(self) -> set[str]:
        """The open sizes that the search varies."""
        return {size for size in self.shape if isinstance(size, str) and size in USUAL}


def image(channels: int = 3, why: str = "the usual image") -> Template:
    """Return the template of a batch of square images."""
    return Template(("B", channels, "S", "S"), why=why)


UNKNOWN = (
    image(),
    Template(("B", "T"), "int64", 2, why="token numbers"),
    Template(("B", "T", 64), why="a sequence of vectors"),
    image(1, why="a grey image"),
    Template(("B", 64), why="a vector"),
    Template(("B", 3, "L"), why="a signal"),
    Template(("B", "L"), why="a signal"),
    Template(("B",), why="a number"),
    Template(("B", 3, "T", "S", "S"), why="a video"),
)
"""Templates for an input of which no layer is known, the likeliest first."""

PROBES = (UNKNOWN[0], UNKNOWN[1], UNKNOWN[2], UNKNOWN[4], UNKNOWN[8])
"""Templates with which a probe starts."""


def of_rank(rank: int) -> Template:
    """Return a first guess for an input whose shape forward unpacks into ``rank`` sizes."""
    by_rank = {
        1: Template(("B",)),
        2: UNKNOWN[1],
        3: UNKNOWN[2],
        4: UNKNOWN[0],
        5: Template(("B", "T", 3, "S", "S")),
        6: Template(("B", 2, "T", 3, "S", "S")),
    }
    return by_rank.get(rank, UNKNOWN[0])


def templates_for(use: Use, rank: int | None) -> list[Template]:
    """Return templates for an input with the first use ``use``; ``rank`` is its rank if that is known."""
    channels = max(use.channels // use.shared_by, 1)
    why = f"first read by {use.layer}".rstrip()
    shapes = _SHAPES[use.kind](use, channels)
    if rank is not None and rank > 2:
        sides: tuple[Size, ...] = ("S",) * (rank - 2)
        if use.spatial == 1 and use.reshaped:
            shapes = [("B", channels, *sides), *shapes]  # pixels in a row
        if not any(len(shape) == rank for shape in shapes):
            shapes += [("B", channels, *sides), ("B", *sides, channels)]
    if rank == 2 and not any(len(shape) == 2 for shape in shapes):
        shapes = [("B", "L"), *shapes]  # a signal, of which forward makes what the layer reads
    high = use.channels if use.kind is Family.EMBEDDING else None
    found = [Template(shape, use.dtype, high, why) for shape in shapes]
    if rank is not None:
        found.sort(key=lambda template: len(template.shape) != rank)
    return list(dict.fromkeys(found))


Shapes = list[tuple[Size, ...]]


def _conv(use: Use, channels: int) -> Shapes:
    spatial: dict[int, list[tuple[Size, ...]]] = {
        1: [("L",)],
        2: [("S", "S")],
        3: [("T", "S", "S"), ("V", "V", "V")],
    }
    shapes: Shapes = []
    if use.upsamples:  # generators start from one pixel, or from a few
        shapes = [("B", channels, *([size] * use.spatial)) for size in (1, 8, 16)]
    for sides in spatial.get(use.spatial, [("S", "S")]):
        first: tuple[Size, ...] = ("B", channels, *sides)
        last: tuple[Size, ...] = ("B", *sides, channels)
        shapes += [last, first] if use.transposed else [first]
        if use.spatial == 3 and use.transposed:
            shapes.insert(0, ("B", "T", channels, "S", "S"))
        if use.rank_shift == 1:
            shapes.insert(0, ("B", *sides))
        if use.rank_shift == -1:
            shapes.insert(0, ("B", "T", channels, *sides))
        if use.reshaped:
            shapes += [("B", "T", channels, *sides), ("B", *sides), ("B", channels * 16, *sides)]
            shapes += [("B", "T", channels)] if use.spatial == 1 else []
            if use.shared_by > 1:  # a label, spread over the image that it is joined to
                shapes.insert(1, ("B", channels))
        if not use.transposed:
            shapes += [last]
    return shapes


def _linear(use: Use, channels: int) -> Shapes:
    rows: Shapes = [("B", channels), ("B", "T", channels)]
    deep: Shapes = [("B", channels, "T"), ("B", "S", "S", channels), ("B", channels, "S", "S")]
    if use.transposed:
        rows = [("B", "T", channels), *deep, ("B", channels)]
        deep = []
    if not use.reshaped:
        return [*rows, *deep]
    images: Shapes = []
    for colours in (1, 3):
        side = math.isqrt(channels // colours)
        if side > 1 and side * side * colours == channels:
            images.append(("B", colours, side, side))
    patches: Shapes = [("B", colours, "S", "S") for colours in (3, 1) if channels % colours == 0]
    # A whole image or a patch of it: 784 and 3072 are MNIST and CIFAR, 768 is a patch of 16x16 pixels.
    if use.transposed or channels in (768, 192, 588, 48):
        images = [*patches, *images]
        patches = []
    return [*images, *rows, *patches, *deep]


def _embedding(_use: Use, _channels: int) -> Shapes:
    return [("B", "T"), ("B",), ("T", "B"), ("B", 1), ("B", "T", "T")]


def _sequence(use: Use, channels: int) -> Shapes:
    first: Shapes = [("B", "T", channels), ("T", "B", channels)]
    shapes = first if use.batch_first != use.transposed else first[::-1]
    if use.reshaped or use.transposed:
        shapes = [*shapes, ("B", channels, "T"), ("B", channels, "S", "S"), ("B", "S", "S", channels)]
    if use.rank_shift == 1:
        shapes = [("B", channels), ("B", "T"), *shapes]
    return [*shapes, ("B", channels)]


def _norm(use: Use, channels: int) -> Shapes:
    if use.shape:
        lead: Shapes = [("B", *use.shape), ("B", "T", *use.shape)]
        return lead if len(use.shape) > 1 else [*reversed(lead), ("B", "S", "S", channels)]
    if use.spatial == 1:
        return [("B", channels), ("B", channels, "T"), ("B", "T", channels)]
    return [*_conv(use, channels), ("B", channels, "T"), ("B", channels)]


def _pointwise(use: Use, _channels: int) -> Shapes:
    shape = use.shape
    return [("B", *shape[1:]), ("B", *shape), ("B", "T", shape[-1]), ("B", shape[-1])]


_SHAPES = {
    Family.CONVOLUTION: _conv,
    Family.LINEAR: _linear,
    Family.EMBEDDING: _embedding,
    Family.RECURRENT: _sequence,
    Family.ATTENTION: _sequence,
    Family.NORM: _norm,
    Family.BROADCASTING: _pointwise,
}
