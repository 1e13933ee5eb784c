"""Layers: convolutions, linear maps, recurrences, norms, poolings, resamplings, attention."""

from __future__ import annotations

from skiplint.operators.entries import entries
from skiplint.operators.families import Family
from skiplint.operators.op import Built, Op, Role

F = Family

_STEERED = (Role.VALUES, Role.STEERS)
_CONVOLUTION = {"stride": (3, 1), "padding": (4, 0), "dilation": (5, 1), "groups": (6, 1)}
_TRANSPOSED = {
    "stride": (3, 1),
    "padding": (4, 0),
    "output_padding": (5, 0),
    "groups": (6, 1),
    "dilation": (7, 1),
}
_ATEN = {
    "stride": (3, 1),
    "padding": (4, 0),
    "dilation": (5, 1),
    "transposed": (6, False),
    "output_padding": (7, 0),
    "groups": (8, 1),
}
_MAX_POOL = {
    "kernel_size": (1, None),
    "stride": (2, None),
    "padding": (3, 0),
    "dilation": (4, 1),
    "ceil_mode": (5, False),
}
_AVERAGE_POOL = {"kernel_size": (1, None), "stride": (2, None), "padding": (3, 0), "ceil_mode": (4, False)}
_TRAINING = {"training": (6, False)}
_RNN = Built("rnn", "input_size")


def _by_space(space: int) -> tuple[Op, ...]:
    """Functions that exist for each number of spatial axes."""
    conv, d = Built("conv", "in_channels", "out_channels"), f"{space}d"
    linear = {1: "upsample_linear1d", 2: "upsample_bilinear2d", 3: "upsample_trilinear3d"}[space]
    return (
        *entries(
            f"conv{d}",
            F.CONVOLUTION,
            F.FIRST_KEPT,
            arguments=_CONVOLUTION,
            built=conv,
            feature_axis=1,
            space=space,
        ),
        *entries(
            f"conv_transpose{d}",
            F.CONVOLUTION,
            F.TRANSPOSED,
            F.FIRST_KEPT,
            arguments=_TRANSPOSED,
            built=conv,
            feature_axis=1,
            space=space,
        ),
        *entries(
            f"max_pool{d} max_pool{d}_with_indices", F.POOLING, F.WINDOWED, arguments=_MAX_POOL, space=space
        ),
        *entries(
            f"adaptive_max_pool{d}", F.POOLING, F.ADAPTIVE, arguments={"output_size": (1, None)}, space=space
        ),
        *entries(
            f"adaptive_avg_pool{d}" + (f"|_adaptive_avg_pool{d}" if space > 1 else ""),
            F.POOLING,
            F.ADAPTIVE,
            F.AVERAGE,
            arguments={"output_size": (1, None)},
            space=space,
        ),
        *entries(f"max_unpool{d}" if space > 1 else "", F.UNPOOLING, roles=_STEERED, space=space),
        *entries(f"avg_pool{d}", F.POOLING, F.WINDOWED, F.AVERAGE, arguments=_AVERAGE_POOL, space=space),
        *entries(
            f"upsample_nearest{d}",
            F.RESAMPLING,
            arguments={"output_size": (1, None), "scale_factors": (2, None)},
            space=space,
        ),
        *entries(
            f"_upsample_nearest_exact{d}",
            F.RESAMPLING,
            arguments={"output_size": (1, None), "scale_factors": (2, None)},
            space=space,
        ),
        *entries(
            linear,
            F.RESAMPLING,
            arguments={"output_size": (1, None), "scale_factors": (3, None)},
            space=space,
        ),
    )


LAYERS: tuple[Op, ...] = (
    *_by_space(1),
    *_by_space(2),
    *_by_space(3),
    *entries("convolution _convolution", F.CONVOLUTION, F.FIRST_KEPT, arguments=_ATEN, feature_axis=1),
    *entries(
        "mkldnn_convolution",
        F.CONVOLUTION,
        F.FIRST_KEPT,
        feature_axis=1,
        arguments={"padding": (3, 0), "stride": (4, 1), "dilation": (5, 1), "groups": (6, 1)},
    ),
    *entries(
        "_conv_depthwise2d conv_depthwise3d",
        F.CONVOLUTION,
        F.FIRST_KEPT,
        feature_axis=1,
        arguments={"stride": (4, 1), "padding": (5, 0), "dilation": (6, 1)},
    ),
    *entries(
        "thnn_conv2d slow_conv3d",
        F.CONVOLUTION,
        F.FIRST_KEPT,
        feature_axis=1,
        arguments={"stride": (4, 1), "padding": (5, 0)},
    ),
    *entries("conv_tbc", F.CONVOLUTION, F.FIRST_KEPT, feature_axis=-1),
    *entries("conv2d_relu", F.CONVOLUTION, F.FIRST_KEPT, feature_axis=1, space=2),
    *entries("deform_conv2d", F.CONVOLUTION, F.FIRST_KEPT, roles=_STEERED, feature_axis=1, space=2),
    *entries(
        "linear",
        F.LINEAR,
        F.FIRST_KEPT,
        feature_axis=-1,
        built=Built("linear", "in_features", "out_features"),
    ),
    *entries("linear_relu linear_dynamic", F.LINEAR, F.FIRST_KEPT, feature_axis=-1),
    *entries("bilinear", F.BILINEAR, feature_axis=-1),
    *entries("embedding", F.EMBEDDING, built=Built("sparse", "", "embedding_dim")),
    *entries("embedding_bag", F.EMBEDDING),
    *entries(
        "lstm",
        F.RECURRENT,
        feature_axis=-1,
        arguments=_TRAINING,
        built=_RNN,
        gates=4,
        states=("1[0]", "1[1]"),
    ),
    *entries("gru", F.RECURRENT, feature_axis=-1, arguments=_TRAINING, built=_RNN, gates=3, states=("1",)),
    *entries(
        "rnn_tanh rnn_relu", F.RECURRENT, feature_axis=-1, arguments=_TRAINING, built=_RNN, states=("1",)
    ),
    *entries("lstm_cell", F.RECURRENT, F.CELL, feature_axis=-1, built=_RNN, gates=4, states=("1[0]", "1[1]")),
    *entries("gru_cell", F.RECURRENT, F.CELL, feature_axis=-1, built=_RNN, gates=3, states=("1",)),
    *entries("rnn_tanh_cell rnn_relu_cell", F.RECURRENT, F.CELL, feature_axis=-1, built=_RNN, states=("1",)),
    *entries(
        "quantized_lstm_cell _thnn_fused_lstm_cell _thnn_fused_gru_cell", F.RECURRENT, F.CELL, feature_axis=-1
    ),
    *entries(
        "batch_norm",
        F.NORM,
        F.BATCH_NORM,
        F.FIRST_KEPT,
        feature_axis=1,
        arguments={"training": (5, False)},
        built=Built("batchnorm", "num_features"),
    ),
    *entries(
        "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_functional "
        "_native_batch_norm_legit_no_training cudnn_batch_norm",
        F.NORM,
        F.BATCH_NORM,
        F.FIRST_KEPT,
        feature_axis=1,
    ),
    *entries(
        "instance_norm", F.NORM, F.FIRST_KEPT, feature_axis=1, built=Built("instancenorm", "num_features")
    ),
    *entries(
        "group_norm",
        F.NORM,
        F.FIRST_KEPT,
        feature_axis=1,
        arguments={"groups": (1, None)},
        built=Built("normalization", "num_channels"),
    ),
    *entries("native_group_norm", F.NORM, F.FIRST_KEPT, feature_axis=1),
    *entries(
        "layer_norm rms_norm",
        F.NORM,
        F.FIRST_KEPT,
        feature_axis=-1,
        arguments={"normalized_shape": (1, ())},
        built=Built("normalization", "normalized_shape"),
    ),
    *entries(
        "native_layer_norm _fused_rms_norm",
        F.NORM,
        F.FIRST_KEPT,
        feature_axis=-1,
        arguments={"normalized_shape": (1, ())},
    ),
    *entries(
        "scaled_dot_product_attention _scaled_dot_product_flash_attention_for_cpu "
        "_scaled_dot_product_flash_attention _scaled_dot_product_efficient_attention "
        "_scaled_dot_product_attention_math _scaled_dot_product_cudnn_attention",
        F.ATTENTION,
    ),
    *entries(
        "multi_head_attention_forward",
        F.ATTENTION,
        F.MULTI_HEAD,
        feature_axis=-1,
        arguments={"width": (3, None), "groups": (4, 1)},
        built=Built("activation", "embed_dim"),
    ),
    *entries(
        "fractional_max_pool2d fractional_max_pool3d",
        F.POOLING,
        arguments={"kernel_size": (1, None), "output_size": (2, None)},
        roles=_STEERED,
    ),
    *entries(
        "upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa",
        F.RESAMPLING,
        space=2,
        arguments={"output_size": (1, None), "scale_factors": (3, None)},
    ),
    *entries("grid_sampler grid_sampler_2d grid_sampler_3d", F.RESAMPLING, roles=_STEERED),
    *entries("roi_align roi_pool ps_roi_align ps_roi_pool", roles=_STEERED),
    *entries("pixel_shuffle", F.PIXEL_SHUFFLE, F.DEALING, arguments={"factor": (1, None)}),
    *entries("pixel_unshuffle", F.PIXEL_UNSHUFFLE, arguments={"factor": (1, None)}),
    *entries(
        "channel_shuffle|native_channel_shuffle",
        F.CHANNEL_SHUFFLE,
        F.DEALING,
        arguments={"groups": (1, None)},
    ),
    *entries("pad", F.PADDING, arguments={"pad": (1, None), "mode": (2, "constant"), "value": (3, None)}),
    *entries("constant_pad_nd", F.PADDING, arguments={"pad": (1, None), "value": (2, 0)}),
    *entries(
        "reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d "
        "replication_pad3d",
        F.PADDING,
        arguments={"pad": (1, None)},
    ),
    *entries(
        "im2col",
        F.UNFOLDING,
        space=2,
        arguments={"kernel_size": (1, None), "dilation": (2, 1), "padding": (3, 0), "stride": (4, 1)},
    ),
    *entries("unfold", F.UNFOLDING, arguments={"dim": (1, None), "size": (2, None), "step": (3, None)}),
    *entries("col2im", F.FOLDING, space=2, arguments={"output_size": (1, None)}),
)
