"""Views, copies, parts, concatenations, new and random tensors."""

from __future__ import annotations

from skiplint.operators.entries import Arguments, entries
from skiplint.operators.families import Family
from skiplint.operators.op import Op, Role

F = Family

_FIRST = (Role.VALUES, Role.LENDS)
_STEERED = (Role.VALUES, Role.STEERS)
_SWAP: Arguments = {"dim": (1, 0), "dim1": (2, 1)}

VIEWS: tuple[Op, ...] = (
    *entries("view reshape", F.RESHAPE, F.SIZED_RESHAPE, arguments={"sizes": (1, None)}),
    *entries("_unsafe_view", F.RESHAPE, arguments={"sizes": (1, None)}),
    *entries("view_as reshape_as", F.RESHAPE, roles=_FIRST),
    *entries("flatten ravel", F.RESHAPE),
    *entries("squeeze unsqueeze", F.RESHAPE, F.UNIT_AXES),
    *entries("unflatten", F.RESHAPE, F.UNFLATTEN, arguments={"dim": (1, 0), "sizes": (2, None)}),
    *entries("permute", F.AXIS_MOVE, arguments={"sizes": (1, None)}),
    *entries("transpose|swapaxes|swapdims", F.AXIS_MOVE, arguments=_SWAP),
    *entries("movedim|moveaxis", F.AXIS_MOVE, arguments={"source": (1, None), "destination": (2, None)}),
    *entries("t|T|H mT|mH|adjoint|matrix_H", F.AXIS_MOVE),
    *entries("expand|broadcast_to", F.EXPANSION, arguments={"sizes": (1, None)}),
    *entries("expand_as", F.EXPANSION, roles=_FIRST),
    *entries("contiguous clone", F.COPY),
    *entries("alias", F.COPY),
    *entries("detach|data", F.DETACHED),
    *entries("to|_to_copy float half bfloat16 double type type_as", F.CAST, roles=_FIRST),
    *entries("update", F.UPDATE),
)

PARTS: tuple[Op, ...] = (
    *entries(
        "getitem", F.SELECTION, F.INDEXED, F.PICK, F.CUT, roles=_STEERED, arguments={"index": (1, None)}
    ),
    *entries("index", F.SELECTION, F.PICK, roles=_STEERED),
    *entries("index_select", F.SELECTION, F.PICK, F.CUT, roles=_STEERED, arguments={"dim": (1, None)}),
    *entries("select", F.SELECTION, F.ONE_POSITION, arguments={"dim": (1, 0)}),
    *entries("unbind", F.SELECTION, F.ONE_POSITION, arguments={"dim": (1, 0)}),
    *entries("narrow|narrow_copy slice", F.SELECTION, F.CUT, arguments={"dim": (1, 0)}),
    *entries(
        "split unsafe_split split_with_sizes unsafe_split_with_sizes",
        F.SELECTION,
        F.SPLIT,
        F.DEALING,
        arguments={"sizes": (1, None), "dim": (2, 0)},
    ),
    *entries("chunk unsafe_chunk tensor_split", F.SELECTION, F.SPLIT, arguments={"dim": (2, 0)}),
    *entries("hsplit vsplit dsplit", F.SELECTION, F.SPLIT),
    *entries("gather", F.PICK, roles=_STEERED, arguments={"dim": (1, None)}),
    *entries("take_along_dim", F.PICK, roles=_STEERED, arguments={"dim": (2, None)}),
    *entries("take", F.PICK, roles=_STEERED),
    *entries("cat", F.CONCATENATION, arguments={"dim": (1, 0)}),
    *entries("stack", F.CONCATENATION, F.STACK, arguments={"dim": (1, 0)}),
    *entries("hstack vstack|row_stack dstack column_stack", F.CONCATENATION),
    *entries("setitem", F.ITEM_WRITE, arguments={"index": (1, None)}),
    *entries("roll", F.SHIFT),
    *entries("flip repeat"),
    *entries(
        "fft_fft fft_ifft fft_fft2 fft_ifft2 fft_fftn fft_ifftn fft_rfft fft_irfft fft_rfft2 fft_irfft2 "
        "fft_rfftn fft_irfftn fft_hfft fft_ihfft stft istft",
        F.FFT,
    ),
)

MADE: tuple[Op, ...] = (
    *entries("zeros", F.FRESH, F.ZEROS),
    *entries("zeros_like new_zeros", F.FRESH, F.ZEROS, roles=(Role.LENDS, Role.VALUES)),
    *entries("empty", F.FRESH, F.EMPTY),
    *entries("empty_like new_empty new_empty_strided new", F.FRESH, F.EMPTY, roles=(Role.LENDS, Role.VALUES)),
    *entries("ones arange", F.FRESH),
    *entries("ones_like full_like new_ones new_full new_tensor", F.FRESH, roles=(Role.LENDS, Role.VALUES)),
    *entries("rand_like randn_like randint_like", F.FRESH, F.RANDOM, roles=(Role.LENDS, Role.VALUES)),
    *entries("full", F.FRESH),
    *entries("rand randn randint randperm", F.FRESH, F.RANDOM),
    *entries("tensor as_tensor scalar_tensor", F.NUMBER, arguments={"data": (0, None)}),
    *entries("normal uniform exponential random cauchy log_normal geometric", F.RANDOM, F.OVERWRITE),
    *entries("bernoulli", F.RANDOM, F.OVERWRITE, roles=(Role.STEERS,)),
    *entries("multinomial", F.RANDOM, roles=(Role.STEERS,)),
    *entries("copy", F.OVERWRITE),
    *entries("set", F.OVERWRITE, F.TENSOR_STATE),
    *entries("requires_grad resize resize_as as_strided share_memory", F.TENSOR_STATE),
    *entries("fill zero", F.OVERWRITE),
)
