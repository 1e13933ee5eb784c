"""What torch's kernels allocate, and what their gradients need, by canonical name."""

from __future__ import annotations

from skiplint.operators.families import Family

KERNELS: dict[Family, frozenset[str]] = {
    # Statistics of a batch norm have no size in inference.
    Family.NO_WORKSPACE: frozenset(
        "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d batch_norm relu gelu silu "
        "sigmoid tanh exp add sub mul div neg cat stack avg_pool2d softmax embedding mean sum clone "
        "contiguous arange zeros ones empty upsample_nearest2d upsample_bilinear2d".split()
    ),
    Family.SAVES_RESULT: frozenset(
        "relu relu6 sigmoid tanh exp exp2 expm1 sqrt rsqrt reciprocal softmax log_softmax elu celu selu "
        "leaky_relu hardtanh logsumexp cumprod prod rrelu amax amin".split()
    ),
    Family.SAVES_NO_OPERAND: frozenset(
        "add sub neg cat stack hstack vstack dstack column_stack sum mean view reshape _unsafe_view flatten "
        "ravel unflatten squeeze unsqueeze permute transpose movedim t mT contiguous clone alias update to "
        "float half bfloat16 double type type_as expand expand_as view_as reshape_as getitem select split "
        "unsafe_split split_with_sizes unsafe_split_with_sizes chunk unsafe_chunk tensor_split hsplit vsplit "
        "dsplit unbind narrow slice detach pad constant_pad_nd roll flip repeat relu sigmoid tanh exp sqrt "
        "rsqrt softmax log_softmax dropout feature_dropout setitem copy set fill zero index_select "
        "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d "
        "_upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d "
        "upsample_trilinear3d adaptive_avg_pool1d adaptive_avg_pool2d pixel_shuffle pixel_unshuffle unfold "
        "im2col col2im zeros_like ones_like full_like empty_like randn_like rand_like".split()
    ),
}
"""Only what is known for sure; whatever else an operation allocates or saves is found out by running it."""
