"""Sizes forward and back, against torch itself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from skiplint.operators.sizes import Follows, each_axis, matching_stride, result_sizes, strided
from tests.operators.calls import Called


def blank(*shape):
    return torch.empty(shape, device="meta")


def assert_agrees(*args):
    """For the sizes of a property test, of which torch may not take all."""
    assume(agrees(*args))


def agrees(call, function, sizes, kernel=(), channels=4):
    """Whether torch takes images of ``sizes``; its result is then as large as the catalogue says."""
    shape = (2, channels, *sizes)
    try:
        result = tuple(function(blank(*shape)).shape)
    except RuntimeError:
        return False
    if min(result) == 0:
        return False
    found = result_sizes(call, shape, result, kernel)
    assert found is not None
    for axis, size in zip(found, result, strict=True):
        if isinstance(axis, Follows):
            assert axis.of(shape[axis.axis]) == size
            assert shape[axis.axis] in axis.before(size)
            before = axis.before(size)
            assert axis.of(before[0] - 1) < size < axis.of(before[-1] + 1) or axis.of(before[-1]) == size
        else:
            assert axis == size
    return True


small = st.integers(1, 4)
sides = st.integers(1, 40)


@settings(max_examples=80, deadline=None)
@given(sides, sides, small, small, small, st.integers(0, 3))
def test_convolutions(height, width, kernel, stride, dilation, padding):
    weight = blank(6, 4, kernel, 3)
    args = (weight, None, stride, padding, (dilation, 1))
    assert_agrees(
        Called("conv2d", (None, None, *args[1:])), lambda x: F.conv2d(x, *args), (height, width), (kernel, 3)
    )


def test_a_convolution_that_keeps_its_size():
    weight = blank(6, 4, 3, 5)
    call = Called("conv2d", (None, None), {"padding": "same"})
    assert agrees(call, lambda x: F.conv2d(x, weight, padding="same"), (9, 8), (3, 5))


@settings(max_examples=80, deadline=None)
@given(sides, small, small, small, st.integers(0, 2), st.integers(0, 2))
def test_transposed_convolutions(size, kernel, stride, dilation, padding, extra):
    weight = blank(4, 6, kernel)
    given_ = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": extra}
    call = Called("conv_transpose1d", (None, None), given_)
    assert_agrees(call, lambda x: F.conv_transpose1d(x, weight, **given_), (size,), (kernel,))


def test_the_kernel_of_convolution_takes_the_same_arguments_in_another_order():
    weight = blank(4, 6, 3, 3)
    args = ([2, 2], [1, 1], [1, 1], True, [1, 1], 1)
    call = Called("convolution", (None, None, None, *args))
    assert agrees(call, lambda x: torch.ops.aten.convolution(x, weight, None, *args), (9, 8), (3, 3))


@settings(max_examples=80, deadline=None)
@given(sides, sides, small, small, st.integers(0, 2), small, st.booleans())
def test_max_pooling(height, width, kernel, stride, padding, dilation, ceil):
    args = (kernel, stride, padding, dilation, ceil)
    call = Called("max_pool2d", (None, *args))
    assert_agrees(call, lambda x: F.max_pool2d(x, *args), (height, width))


@settings(max_examples=80, deadline=None)
@given(sides, small, st.none() | small, st.integers(0, 2), st.booleans())
def test_average_pooling(size, kernel, stride, padding, ceil):
    args = (kernel, stride, padding, ceil)
    call = Called("avg_pool1d", (None, *args))
    assert_agrees(call, lambda x: F.avg_pool1d(x, *args), (size,))


def test_adaptive_pooling_always_gives_the_same():
    call = Called("adaptive_avg_pool2d", (None, (3, None)))
    found = result_sizes(call, (2, 4, 9, 8), (2, 4, 3, 8))
    assert found is not None
    assert found[2] == 3
    assert found[3].of(11) == 11
    assert agrees(call, lambda x: F.adaptive_avg_pool2d(x, (3, None)), (9, 8))


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.sampled_from([0.5, 1.5, 2.0, 3.0, 0.3]), st.sampled_from(["nearest", "bilinear"]))
def test_resampling_by_a_factor(height, width, factor, mode):
    args = ((factor, factor),) if mode == "nearest" else (False, (factor, factor))
    call = Called(f"upsample_{mode}2d", (None, None, *args))
    assert_agrees(call, lambda x: F.interpolate(x, scale_factor=factor, mode=mode), (height, width))


def test_what_a_resampling_to_a_size_follows_is_not_known():
    found = result_sizes(Called("upsample_nearest2d", (None, (8, 8))), (2, 4, 4, 4), (2, 4, 8, 8))
    assert found is not None
    assert found[2:] == (None, None)


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.lists(st.integers(-2, 3), min_size=1, max_size=3))
def test_padding(height, width, amounts):
    pad = tuple(value for amount in amounts for value in (amount, 1))
    assert_agrees(Called("pad", (None, pad)), lambda x: F.pad(x, pad), (height, width))


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_shuffles_between_channels_and_positions(factor):
    up = Called("pixel_shuffle", (None, factor))
    assert agrees(up, lambda x: F.pixel_shuffle(x, factor), (5, 7), channels=2 * factor**2)
    down = Called("pixel_unshuffle", (None, factor))
    assert agrees(down, lambda x: F.pixel_unshuffle(x, factor), (4 * factor, 2 * factor))


@pytest.mark.parametrize(
    "index", [(..., slice(None, None, 2)), (slice(None), slice(1, None)), (..., slice(2, None, 3))]
)
def test_slices(index):
    assert agrees(Called("getitem", (None, index)), lambda x: x[index], (9, 8))


def test_where_a_slice_ends_may_have_been_computed():
    found = result_sizes(Called("getitem", (None, (..., slice(None, 4)))), (2, 4, 9, 8), (2, 4, 9, 4))
    assert found is not None
    assert found[-1] is None


def test_windows_of_an_embedding_and_of_moved_axes():
    assert result_sizes(Called("embedding"), (2, 7), (2, 7, 16)) == (Follows(0), Follows(1), 16)
    moved = result_sizes(Called("transpose", (None, 1, 2)), (2, 7, 16), (2, 16, 7))
    assert moved == (Follows(0), Follows(2), Follows(1))


def test_reading_backwards_gives_all_sizes():
    halved = result_sizes(Called("max_pool2d", (None, 2)), (1, 1, 9, 8), (1, 1, 4, 4))
    assert halved is not None
    assert list(halved[2].before(4)) == [8, 9]
    doubled = result_sizes(Called("pixel_shuffle", (None, 2)), (1, 4, 3, 3), (1, 1, 6, 6))
    assert doubled is not None
    assert list(doubled[2].before(7)) == []


def test_small_arithmetic():
    assert strided(224, 2, 7, 3) == 112
    assert matching_stride((56, 56), (28, 28)) == 2
    assert matching_stride((56, 57), (28, 20)) is None
    assert each_axis((2,), (3, 3)) == (2, 2)
    assert each_axis("same", (3, 3)) is None
