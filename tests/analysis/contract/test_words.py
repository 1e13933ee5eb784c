"""A contract reads as a sentence that a user can act on."""

from __future__ import annotations

import pytest

from skiplint.analysis.contract import Axis, AxisContract, Contract, Sizes
from skiplint.analysis.contract.contract import contract_in_words


def contract(*sizes: Sizes, **more: object) -> Contract:
    names = ("height", "width") if len(sizes) == 2 else ("T",)
    axes = tuple(
        AxisContract(Axis(name, 64, ((0, 2 + number),)), each)
        for number, (name, each) in enumerate(zip(names, sizes, strict=True))
    )
    return Contract(axes, **more)  # type: ignore[arg-type]


THIRTY_TWO = Sizes(modulus=32)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (contract(Sizes(), Sizes()), "any size"),
        (contract(THIRTY_TWO, THIRTY_TWO), "height and width must be multiples of 32"),
        (contract(Sizes(modulus=2)), "T must be even"),
        (contract(Sizes(modulus=2, residues=(1,))), "T must be odd"),
        (contract(Sizes(7)), "T must be at least 7"),
        (contract(Sizes(maximum=512)), "T must be at most 512"),
        (contract(Sizes(9, 20)), "T must be from 9 to 20"),
        (contract(Sizes(224, 224), Sizes(224, 224)), "height and width must be 224"),
        (contract(Sizes(1, None, 8), Sizes()), "height must be a multiple of 8"),
        (contract(Sizes(1, None, 8), Sizes(4)), "height must be a multiple of 8; width must be at least 4"),
        (
            contract(Sizes(8), Sizes(8), equal=(0, 1)),
            "height must equal width; height and width must be at least 8",
        ),
        (
            contract(Sizes(6), Sizes(6), together=(8, 8)),
            "height and width must be at least 6; one of them must be at least 8",
        ),
        (
            contract(Sizes(), Sizes(), equal=(0, 1), ones=True),
            "height must equal width, or one of them be 1",
        ),
        (
            contract(Sizes(), Sizes(), together=(2, 4)),
            "height must be at least 2, or width at least 4",
        ),
        (contract(Sizes(), Sizes(), together=(2, None)), "height must be at least 2"),
        (
            contract(Sizes(24, 24), Sizes(24, 24), independent=False),
            "height and width must be 24; each with the others as in the example",
        ),
        (contract(Sizes(1, None, 32, (0, 31))), "T must be a multiple of 32, or 1 less"),
        (contract(Sizes(1, None, 8, (0, 1, 2, 7))), "T must be a multiple of 8, or 1 less or up to 2 more"),
        (contract(Sizes(188, None, 16, (12,))), "T must be 12 more than a multiple of 16 and at least 188"),
        (contract(Sizes(1, None, 64, (20, 21, 22))), "T must be 20 to 22 more than a multiple of 64"),
        (contract(Sizes(1, None, 8, (0, 2))), "T must be 0 or 2 more than a multiple of 8"),
        (contract(Sizes(1, None, 4, (0,), (1, 2))), "T must be a multiple of 4 (1 to 2 run too)"),
        (contract(Sizes(1, None, 1, (0,), (), (5,))), "T may be any size but not 5"),
        (contract(Sizes(), batch=Sizes(2, 2)), "batch must be 2"),
    ],
)
def test_words(given: Contract, words: str) -> None:
    assert contract_in_words(given) == words
