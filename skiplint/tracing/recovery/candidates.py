"""Ways in which a call that fails on shapes may have been meant, the likeliest first.

Each is the same call with blank tensors of other shapes (or another axis), together with what it says of
the fault. :mod:`skiplint.tracing.recovery.repair` takes the first one that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from skiplint.tracing.recovery import join_readings as joins
from skiplint.tracing.recovery import layer_readings as layers
from skiplint.tracing.recovery import shape_readings as shapes
from skiplint.tracing.recovery.calls import Call, Candidate


def candidates(call: Call) -> Iterator[Candidate]:
    """The ways in which ``call`` may have been meant."""
    reading = _READINGS.get(call.name)
    if reading is not None and call.tensors:
        yield from reading(call)


def _named(words: str, reading: Callable[[Call], Iterator[Candidate]]) -> dict[str, Any]:
    return dict.fromkeys(words.split(), reading)


_READINGS: dict[str, Callable[[Call], Iterator[Candidate]]] = {
    **_named(
        "add sub mul div where maximum minimum pow lerp addcmul addcdiv masked_fill broadcast_tensors "
        "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits",
        joins.broadcast,
    ),
    **_named("cat stack hstack vstack row_stack dstack column_stack", joins.concatenation),
    **_named("setitem", joins.written),
    **_named("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d", layers.convolution),
    **_named("linear", layers.linear),
    **_named("bilinear", layers.bilinear),
    **_named("lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", layers.recurrent),
    **_named("matmul mm bmm addmm baddbmm", layers.matmul),
    **_named("einsum", layers.einsum),
    **_named("scaled_dot_product_attention", layers.attention),
    **_named("multi_head_attention_forward", layers.multi_head),
    **_named("batch_norm layer_norm group_norm instance_norm prelu rms_norm", layers.norm),
    **_named("pixel_shuffle channel_shuffle native_channel_shuffle glu", layers.shuffled),
    **_named("pixel_unshuffle", shapes.unshuffled),
    **_named("view reshape", shapes.reshape),
    **_named("unflatten", shapes.unflatten),
    **_named("expand", shapes.expand),
    **_named("split split_with_sizes unsafe_split unsafe_split_with_sizes", shapes.split),
}
