"""A call that is not worked out gives what it would have given."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiplint.tracing.execution.shape_only import shape_only
from skiplint.tracing.execution.strict import Strict


def zeros(*shape: int) -> Tensor:
    return torch.zeros(shape, device="meta")


IMAGE, TOKENS = zeros(2, 6, 5, 7), zeros(2, 5, 8)
CALLS = [
    (F.batch_norm, (IMAGE, zeros(6), zeros(6)), {"weight": zeros(6), "bias": zeros(6)}),
    (F.batch_norm, (IMAGE, None, None), {"training": True}),
    (F.batch_norm, (IMAGE.to(memory_format=torch.channels_last), None, None, None, None, True), {}),
    (F.group_norm, (IMAGE, 3, zeros(6)), {}),
    (F.layer_norm, (TOKENS, (8,), zeros(8), zeros(8)), {}),
    (F.layer_norm, (TOKENS, [5, 8]), {}),
    (F.linear, (TOKENS, zeros(3, 8), zeros(3)), {}),
    (F.linear, (zeros(8), zeros(3, 8)), {}),
    (F.grid_sample, (IMAGE, zeros(2, 3, 4, 2)), {"align_corners": False}),
    (F.gelu, (TOKENS,), {"approximate": "tanh"}),
    (F.gelu, (TOKENS.transpose(1, 2),), {}),
    (F.silu, (TOKENS,), {}),
    (F.leaky_relu, (TOKENS, 0.1), {}),
    (F.instance_norm, (IMAGE,), {}),
    (F.instance_norm, (IMAGE, zeros(6), zeros(6), zeros(6), zeros(6), False), {}),
]


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS)
def test_shape_strides_and_type_are_those_of_the_call(
    function: Callable[..., Tensor], args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    with torch.no_grad():
        quick = shape_only(function, args, kwargs)
        wanted = function(*args, **kwargs)
    assert quick is not None
    assert (quick.shape, quick.stride(), quick.dtype) == (wanted.shape, wanted.stride(), wanted.dtype)
    assert quick.is_meta


REFUSED = [
    (F.batch_norm, (IMAGE, zeros(5), zeros(5)), {}),
    (F.batch_norm, (IMAGE, None, None), {}),
    (F.batch_norm, (zeros(1, 6, 1, 1), zeros(6), zeros(6)), {"training": True}),
    (F.group_norm, (IMAGE, 4), {}),
    (F.instance_norm, (zeros(2, 6, 1, 1),), {}),
    (F.instance_norm, (IMAGE, None, None, zeros(5)), {}),
    (F.layer_norm, (TOKENS, (7,)), {}),
    (F.linear, (TOKENS, zeros(3, 7)), {}),
    (F.grid_sample, (IMAGE, zeros(3, 3, 4, 2)), {"align_corners": False}),
    (F.grid_sample, (IMAGE, zeros(2, 3, 4, 3)), {"align_corners": False}),
]


@pytest.mark.parametrize(("function", "args", "kwargs"), REFUSED)
def test_what_fails_is_left_to_the_call(
    function: Callable[..., Tensor], args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    with torch.no_grad(), Strict(), pytest.raises((RuntimeError, ValueError, AssertionError)):
        function(*args, **kwargs)


def test_gradients_regions_and_values_are_left_to_the_call() -> None:
    arguments = (TOKENS, zeros(3, 8))
    assert shape_only(F.linear, arguments, {}) is None
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert shape_only(F.linear, arguments, {}) is None
    with torch.no_grad():
        assert shape_only(F.linear, (torch.zeros(2, 8), torch.zeros(3, 8)), {}) is None
        assert shape_only(F.linear, (TOKENS, zeros(3, 8).double()), {}) is None


def test_an_activation_in_place_gives_the_tensor_itself() -> None:
    with torch.no_grad(), Strict():
        assert nn.SiLU(inplace=True)(TOKENS) is TOKENS
