"""How axes move, against torch itself: every axis has a length of its own, by which it is known again."""

from __future__ import annotations

import itertools

import pytest
import torch

from skiplint.operators.axes import (
    concatenated_axis,
    contracted_axes,
    index_items,
    moved_axes,
    picked_axes,
    reduced_axes,
    reshaped_axes,
)
from tests.operators.calls import Called

SIZES = (2, 3, 5, 7)


def labelled(rank):
    return torch.empty(SIZES[:rank])


MOVES = [
    *(("permute", order) for order in itertools.permutations(range(4))),
    *(("permute", (order,)) for order in itertools.permutations((0, -1, 1, 2))),
    *(("transpose", pair) for pair in itertools.product(range(-4, 4), repeat=2)),
    *(("swapaxes", pair) for pair in itertools.product(range(4), repeat=2)),
    *(("movedim", pair) for pair in itertools.product(range(-4, 4), repeat=2)),
    *(("moveaxis", (pair, (0, 3))) for pair in itertools.permutations(range(4), 2)),
]


@pytest.mark.parametrize("name", sorted({name for name, _ in MOVES}))
def test_moved_axes(name):
    for args in (args for each, args in MOVES if each == name):
        result = getattr(torch.Tensor, name)(labelled(4), *args)
        for axis in range(4):
            found = moved_axes(Called(name, (None, *args)), frozenset({axis}), 4)
            assert [result.shape[place] for place in found] == [SIZES[axis]], (args, axis)


@pytest.mark.parametrize(
    ("name", "rank"), [("t", 2), ("T", 2), ("mT", 2), ("mT", 4), ("adjoint", 3), ("t", 1)]
)
def test_transpositions_without_arguments(name, rank):
    function = getattr(labelled(rank), name)
    result = function() if callable(function) else function
    for axis in range(rank):
        found = moved_axes(Called(name), frozenset({axis}), rank)
        assert [result.shape[place] for place in found] == [SIZES[axis]]


def test_axes_by_keyword():
    assert moved_axes(Called("permute", kwargs={"dims": (0, 2, 1)}), frozenset({2}), 3) == {1}
    assert moved_axes(Called("transpose", kwargs={"dim0": 0, "dim1": 2}), frozenset({2}), 3) == {0}
    assert moved_axes(Called("swapaxes", kwargs={"axis0": 0, "axis1": 2}), frozenset({2}), 3) == {0}


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "max", "logsumexp", "var", "std", "prod", "median"])
def test_reductions(name):
    for axis, gone in itertools.product(range(4), range(-4, 4)):
        result = getattr(torch, name)(torch.rand(SIZES), gone)
        result = result[0] if isinstance(result, tuple) else result
        found = reduced_axes(Called(name, (None, gone)), frozenset({axis}), 4)
        kept = [] if axis == gone % 4 else [SIZES[axis]]
        assert [result.shape[place] for place in found] == kept


def test_a_norm_names_its_axes_after_its_order():
    result = torch.rand(SIZES).norm(2, 1)
    assert result.shape == (2, 5, 7)
    assert reduced_axes(Called("norm", (None, 2, 1)), frozenset({2}), 4) == {1}
    assert reduced_axes(Called("linalg_vector_norm", (None, 2, [1, 2])), frozenset({3}), 4) == {1}


@pytest.mark.parametrize(
    "index",
    [0, (slice(None), 1), (..., 2), (0, ..., 1), (None, 1), (slice(None), None, 0), (..., 0, slice(None))],
)
def test_positions_that_an_index_takes_away(index):
    picked = picked_axes(Called("getitem", (None, index)), 4)
    left = sorted(size for axis, size in enumerate(SIZES) if axis not in picked)
    assert left == sorted(size for size in labelled(4)[index].shape if size != 1)


def test_the_items_of_an_index_by_axis():
    assert index_items(Called("getitem", (None, (..., 3))), 3) == [slice(None), slice(None), 3]
    assert picked_axes(Called("unbind"), 3) == {0}
    assert picked_axes(Called("select", (None, -1, 0)), 3) == {2}


@pytest.mark.parametrize("name", ["hstack", "vstack", "row_stack", "dstack", "column_stack"])
@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_concatenations_without_an_axis(name, rank):
    part = torch.empty((2, 3, 5, 7)[:rank])
    whole, once = getattr(torch, name)([part, part]), getattr(torch, name)([part])
    grown = [
        axis for axis, (many, one) in enumerate(zip(whole.shape, once.shape, strict=True)) if many != one
    ]
    assert [concatenated_axis(Called(name), whole.dim())] == grown


def test_concatenations_along_an_axis():
    assert concatenated_axis(Called("cat", (None, -1)), 3) == 2
    assert concatenated_axis(Called("cat", kwargs={"axis": 1}), 3) == 1
    assert concatenated_axis(Called("stack"), 3) == 0


def contracted_by_torch(function, shapes, position):
    """The axes of an operand that can grow, alone or with another operand's, and leave the result."""
    found = set()
    before = function(*[torch.empty(shape) for shape in shapes]).shape
    for axis in range(len(shapes[position])):
        changed = [list(shape) for shape in shapes]
        changed[position][axis] += 1
        try:
            if function(*[torch.empty(shape) for shape in changed]).shape == before:
                found.add(axis)
        except RuntimeError:
            for place, shape in enumerate(shapes):
                for other in range(len(shape)):
                    if place != position:
                        both = [list(each) for each in changed]
                        both[place][other] += 1
                        try:
                            if function(*[torch.empty(each) for each in both]).shape == before:
                                found.add(axis)
                        except RuntimeError:
                            pass
    return frozenset(found)


PRODUCTS = [
    ("matmul", torch.matmul, [(2, 3, 5), (2, 5, 7)], ()),
    ("mm", torch.mm, [(3, 5), (5, 7)], ()),
    ("bmm", torch.bmm, [(2, 3, 5), (2, 5, 7)], ()),
    ("linear", torch.nn.functional.linear, [(2, 3, 5)], ()),
    ("einsum", lambda a, b: torch.einsum("bij,bjk->bik", a, b), [(2, 3, 5), (2, 5, 7)], ("bij,bjk->bik",)),
    ("einsum", lambda a, b: torch.einsum("ij, kj -> ik", a, b), [(3, 5), (7, 5)], ("ij, kj -> ik",)),
]


@pytest.mark.parametrize(("name", "function", "shapes", "args"), PRODUCTS, ids=lambda value: str(value)[:20])
def test_axes_that_a_product_sums_over(name, function, shapes, args):
    whole = shapes if name != "linear" else [*shapes, (7, 5)]
    for position, shape in enumerate(shapes):
        found = contracted_axes(Called(name, (*args, None)), position, len(shape), len(whole))
        assert found == contracted_by_torch(function, whole, position)


def test_attention_sums_over_features_then_over_keys():
    call = Called("scaled_dot_product_attention")
    assert [contracted_axes(call, place, 4, 3) for place in range(3)] == [{3}, {2, 3}, {2}]


def test_a_convolution_sums_over_channels():
    assert contracted_axes(Called("conv2d"), 0, 4, 2) == {1}
    assert contracted_axes(Called("conv1d"), 0, 2, 2) == {0}  # without a batch


@pytest.mark.parametrize(
    ("before", "after", "axes", "expected"),
    [
        ((2, 12, 5), (2, 3, 4, 5), {1}, {1, 2}),
        ((2, 3, 4, 5), (2, 12, 5), {2}, {1}),
        ((2, 3, 4), (2, 1, 3, 4), {1}, {2}),
        ((6, 4), (4, 6), {0}, {0, 1}),
    ],
)
def test_reshapes(before, after, axes, expected):
    assert reshaped_axes(before, after, frozenset(axes)) == expected
