"""The accepted sizes are found from few questions, whatever their pattern."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiplint.analysis.contract.sizes import Sizes, periodic
from skiplint.analysis.contract.solving import solve


def solved(truth: Sizes, start: int) -> tuple[Sizes, int]:
    """What is found of ``truth``, and how many sizes were asked about."""
    asked: set[int] = set()

    def accepts(size: int) -> bool:
        asked.add(size)
        return truth.accepts(size)

    return solve(accepts, start), len(asked)


@pytest.mark.parametrize(
    ("truth", "start"),
    [
        pytest.param(Sizes(), 224, id="any size"),
        pytest.param(Sizes(minimum=7), 16, id="seven and more"),
        pytest.param(Sizes(modulus=32), 256, id="multiples of 32"),
        pytest.param(Sizes(modulus=2), 4, id="even, from a small example"),
        pytest.param(Sizes(modulus=7), 224, id="multiples of a window"),
        pytest.param(Sizes(modulus=224), 224, id="multiples of the example"),
        pytest.param(Sizes(modulus=32, residues=(0, 31)), 64, id="a stem that rounds up"),
        pytest.param(Sizes(minimum=188, modulus=16, residues=(12,)), 572, id="Ronneberger without padding"),
        pytest.param(Sizes(modulus=8, residues=(0, 2)), 64, id="a level without a skip"),
        pytest.param(Sizes(minimum=148, modulus=64, residues=(20, 21, 22, 23)), 212, id="audio"),
        pytest.param(Sizes(224, 224), 224, id="one size"),
        pytest.param(Sizes(224, 255), 230, id="a run"),
        pytest.param(Sizes(maximum=40), 16, id="at most 40"),
        pytest.param(Sizes(modulus=16, maximum=64), 64, id="patches up to a table's end"),
        pytest.param(Sizes(modulus=16, residues=(1, 15), maximum=160), 159, id="runs below a table's end"),
        pytest.param(Sizes(108, modulus=36, residues=(0, 12)), 300, id="a multiple of two periods"),
        pytest.param(Sizes(26, None, 24, tuple(range(2, 8)), tuple(range(8, 14))), 295, id="a run before"),
        pytest.param(Sizes(1, None, 16, (0, 12), (1, 4, 8)), 32, id="exceptions past four"),
        pytest.param(Sizes(8, 8, others=(1,)), 8, id="one size and one that is broadcast"),
        pytest.param(Sizes(modulus=32, residues=(0, 29, 30, 31), others=(1, 2, 3, 4)), 64, id="exceptions"),
    ],
)
def test_the_pattern_is_found(truth: Sizes, start: int) -> None:
    found, asked = solved(truth, start)
    assert [n for n in range(1, 301) if found.accepts(n) != truth.accepts(n)] == []
    assert asked <= 110


def test_most_patterns_take_few_questions() -> None:
    assert solved(Sizes(modulus=32), 256)[1] <= 40
    assert solved(Sizes(), 224)[1] <= 20


@settings(max_examples=200, deadline=None)
@given(
    levels=st.lists(st.booleans(), min_size=1, max_size=5),
    shift=st.integers(0, 40),
    multiple=st.integers(2, 8),
)
def test_remainders_of_nested_halvings_are_found(levels: list[bool], shift: int, multiple: int) -> None:
    """A U-Net of halvings that round down: a level with a skip asks that its size is even."""

    def accepts(size: int) -> bool:
        size -= shift
        for skip in levels:
            if size < 1 or (skip and size % 2):
                return False
            size //= 2
        return size >= 1

    period = 2 ** len(levels)
    found = solve(accepts, shift + period * multiple)
    assert [n for n in range(1, 301) if found.accepts(n) != accepts(n)] == []


def test_a_tables_end_is_met_where_it_is_known() -> None:
    assert solve(lambda size: size <= 512, 16, limits=(512,)).maximum == 512


def test_the_smallest_period_is_given() -> None:
    assert periodic(32, frozenset(range(0, 32, 4))) == (4, (0,))
    assert periodic(6, frozenset({0, 1, 3, 4})) == (3, (0, 1))
    assert periodic(5, frozenset({1, 2})) == (5, (1, 2))
