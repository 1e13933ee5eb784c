"""Corrected calls for a call that fails on shapes, the likeliest first.

Each candidate is the same call with blank tensors of other shapes (or another axis), and what it says of the
fault. :mod:`skiplint.tracing.recovery.repair` takes the first one that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from skiplint.operators import Family
from skiplint.tracing.recovery import join_readings as joins
from skiplint.tracing.recovery import layer_readings as layers
from skiplint.tracing.recovery import shape_readings as shapes
from skiplint.tracing.recovery.calls import Call, Candidate

_READINGS: dict[Family, Callable[[Call], Iterator[Candidate]]] = {
    Family.BROADCASTING: joins.broadcast,
    Family.CONCATENATION: joins.concatenation,
    Family.ITEM_WRITE: joins.written,
    Family.CONVOLUTION: layers.convolution,
    Family.LINEAR: layers.linear,
    Family.BILINEAR: layers.bilinear,
    Family.RECURRENT: layers.recurrent,
    Family.MATRIX_PRODUCT: layers.matmul,
    Family.SUBSCRIPTED: layers.einsum,
    Family.MULTI_HEAD: layers.multi_head,
    Family.ATTENTION: layers.attention,
    Family.NORM: layers.norm,
    Family.PARAMETRIC: layers.norm,
    Family.PIXEL_SHUFFLE: layers.shuffled,
    Family.CHANNEL_SHUFFLE: layers.shuffled,
    Family.GATED_HALVES: layers.shuffled,
    Family.PIXEL_UNSHUFFLE: shapes.unshuffled,
    Family.SIZED_RESHAPE: shapes.reshape,
    Family.UNFLATTEN: shapes.unflatten,
    Family.EXPANSION: shapes.expand,
    Family.SPLIT: shapes.split,
}
"""What corrects calls of each family; the first family to which a function belongs counts."""


def candidates(call: Call) -> Iterator[Candidate]:
    """Yield corrected calls for ``call``, the likeliest first; none if nothing is known of its function."""
    reading = next((reading for family, reading in _READINGS.items() if call.op.is_a(family)), None)
    if reading is not None and call.tensors:
        yield from reading(call)
