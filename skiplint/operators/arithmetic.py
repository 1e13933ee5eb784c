"""Arithmetic: sums, products, contractions, reductions, element-wise functions, losses."""

from __future__ import annotations

from skiplint.operators.entries import entries
from skiplint.operators.families import Family
from skiplint.operators.op import Op, Role

F = Family

_DIM = {"dim": (1, None), "keepdim": (2, False)}
_ALPHA = {"alpha": (2, 1)}
_POINTWISE = (F.POINTWISE, F.ACTIVATION)
_MASKED = (Role.STEERS, Role.VALUES)

JOINS: tuple[Op, ...] = (
    *entries("add", F.ADDITION, F.BROADCASTING, arguments=_ALPHA, operator="+"),
    *entries("sub", F.ADDITION, F.DIFFERENCE, F.BROADCASTING, arguments=_ALPHA, operator="-"),
    *entries("add_relu", F.ADDITION, F.BROADCASTING),
    *entries("index_add", F.ADDITION, arguments={"dim": (1, None)}),
    *entries("where", F.CHOICE, F.BROADCASTING, roles=_MASKED),
    *entries("lerp", F.BLEND, F.BROADCASTING, arguments={"weight": (2, None)}),
    *entries("addcmul addcdiv", F.ADDED_PRODUCT, F.BROADCASTING, F.FIRST_KEPT),
    *entries("masked_fill", F.BROADCASTING, roles=(Role.VALUES, Role.STEERS, Role.VALUES)),
    *entries("maximum|fmax", F.BROADCASTING, F.FIRST_KEPT, F.FLOOR, arguments={"floor": (1, None)}),
    *entries("minimum|fmin", F.BROADCASTING, F.FIRST_KEPT),
    *entries("broadcast_tensors", F.BROADCASTING, F.ALIGNMENT),
    *entries("prelu", F.ACTIVATION, F.PARAMETRIC, F.FIRST_KEPT),
    *entries("atan2 masked_scatter", F.FIRST_KEPT),
)

PRODUCTS: tuple[Op, ...] = (
    *entries("mul", F.PRODUCT, F.BROADCASTING, operator="*"),
    *entries(
        "div",
        F.DIVISION,
        F.BROADCASTING,
        F.FIRST_KEPT,
        operator="/",
        arguments={"rounding_mode": (None, None)},
    ),
    *entries("neg|negative", F.NEGATION, F.POINTWISE),
    *entries("pow|float_power", F.POWER, F.BROADCASTING, arguments={"exponent": (1, None)}),
    *entries("matmul", F.CONTRACTION, F.MATRIX_PRODUCT, operator="@"),
    *entries("mm bmm mv", F.CONTRACTION, F.MATRIX_PRODUCT),
    *entries(
        "addmm addmv addbmm baddbmm sspaddmm",
        F.CONTRACTION,
        F.MATRIX_PRODUCT,
        F.ADDED_CONTRACTION,
        first_factor=1,
    ),
    *entries("einsum", F.CONTRACTION, F.SUBSCRIPTED),
    *entries(
        "tensordot inner dot vdot chain_matmul linalg_multi_dot kron _scaled_mm _grouped_mm "
        "_scaled_grouped_mm _int_mm",
        F.CONTRACTION,
    ),
)

ELEMENTWISE: tuple[Op, ...] = (
    *entries("relu", *_POINTWISE, F.FLOOR, arguments={"floor": (None, 0)}),
    *entries("relu6", *_POINTWISE, F.FLOOR, arguments={"floor": (None, 0)}, bounds=(0, 6)),
    *entries("hardtanh", *_POINTWISE, F.FLOOR, bounds=(-1, 1), arguments={"floor": (1, -1.0)}),
    *entries("threshold", *_POINTWISE, F.FLOOR, arguments={"threshold": (1, None), "floor": (2, None)}),
    *entries("clamp|clip clamp_min", F.FIRST_KEPT, F.POINTWISE, F.FLOOR, arguments={"floor": (1, None)}),
    *entries("clamp_max", F.FIRST_KEPT, F.POINTWISE),
    *entries("leaky_relu elu selu celu", *_POINTWISE),
    *entries("gelu silu", *_POINTWISE),
    *entries("mish hardswish softplus softshrink hardshrink log_sigmoid", *_POINTWISE),
    *entries("rrelu", F.ACTIVATION, arguments={"training": (3, False)}),
    *entries("sigmoid|special_expit", *_POINTWISE, F.SIGMOID, bounds=(0, 1)),
    *entries("hardsigmoid", *_POINTWISE, F.SIGMOID, bounds=(0, 1)),
    *entries("tanh", *_POINTWISE, bounds=(-1, 1)),
    *entries("softmax|_softmax|special_softmax", F.SOFTMAX, bounds=(0, 1), arguments={"dim": (1, None)}),
    *entries("log_softmax|_log_softmax|special_log_softmax", arguments={"dim": (1, None)}),
    *entries("glu", F.GATED_HALVES, F.DEALING, arguments={"dim": (1, -1)}),
    *entries("exp", F.POINTWISE),
    *entries("exp2|special_exp2 expm1|special_expm1 reciprocal", F.POINTWISE),
    *entries("sqrt rsqrt", F.POINTWISE, F.ROOT),
    *entries("abs|absolute square log log2 log1p|special_log1p sin cos erf|special_erf sign", F.POINTWISE),
    *entries(
        "dropout feature_dropout alpha_dropout feature_alpha_dropout native_dropout",
        F.DROPOUT,
        arguments={"p": (1, 0.5), "training": (2, True)},
    ),
)

REDUCTIONS: tuple[Op, ...] = (
    *entries("sum", F.REDUCTION, F.SUM, arguments=_DIM),
    *entries("mean", F.REDUCTION, F.SUM, F.AVERAGE, F.STATISTIC, arguments=_DIM),
    *entries("nansum", F.REDUCTION, F.SUM, arguments=_DIM),
    *entries("nanmean", F.REDUCTION, F.SUM, F.AVERAGE, F.STATISTIC, arguments=_DIM),
    *entries("amax amin", F.REDUCTION, arguments=_DIM),
    *entries("logsumexp|special_logsumexp", F.REDUCTION, arguments=_DIM),
    *entries("max", F.REDUCTION, F.FLOOR, F.FIRST_KEPT, arguments={**_DIM, "floor": (1, None)}),
    *entries("min", F.REDUCTION, F.FIRST_KEPT, arguments=_DIM),
    *entries("median nanmedian mode argmax argmin all any count_nonzero", F.REDUCTION, arguments=_DIM),
    *entries("prod", F.REDUCTION, arguments=_DIM),
    *entries("cumprod"),
    *entries("var var_mean", F.REDUCTION, F.STATISTIC, arguments=_DIM),
    *entries("std std_mean", F.REDUCTION, F.STATISTIC, F.ROOT, arguments=_DIM),
    *entries(
        "norm linalg_vector_norm linalg_norm",
        F.REDUCTION,
        F.STATISTIC,
        F.ROOT,
        arguments={"dim": (2, None), "keepdim": (3, False)},
    ),
    *entries("quantile nanquantile", F.REDUCTION, arguments={"dim": (2, None)}),
    *entries(
        "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits",
        F.LOSS,
        F.BROADCASTING,
    ),
    *entries(
        "cross_entropy_loss nll_loss_nd nll_loss nll_loss2d kl_div ctc_loss poisson_nll_loss "
        "cosine_embedding_loss hinge_embedding_loss margin_ranking_loss triplet_margin_loss soft_margin_loss "
        "multi_margin_loss multilabel_margin_loss",
        F.LOSS,
    ),
)
