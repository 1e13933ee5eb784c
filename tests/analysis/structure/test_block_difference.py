"""What is said of a block that is wired otherwise than its siblings: the difference, in one sentence."""

from __future__ import annotations

import pytest

from skiplint.analysis.structure.block_difference import Difference
from skiplint.analysis.structure.blocks import Wiring

ADDED = Wiring("additive", "add", 2, tap=-1, span=4, end=4, long=False)
INNER = Wiring("additive", "add", 2, tap=1, span=2, end=3, long=False)
DENSE = [Wiring("concatenative", "cat", width, -1, width - 1, width - 1, False) for width in (2, 3, 4)]
LONG = Wiring("concatenative", "cat", 2, tap=-1, span=0, end=0, long=True)

SENTENCES = {
    "none of one": (
        [],
        [ADDED],
        "lacks the additive skip (add of 2) from its input around 4 layers that they have",
    ),
    "one of many": (
        DENSE,
        [*DENSE, ADDED],
        "lacks the additive skip (add of 2) from its input around 4 layers that they have",
    ),
    "many of many": (
        [],
        [*DENSE, ADDED],
        f"lacks 4 skips, the widest of them the {ADDED}, that they have",
    ),
    "the same twice": (
        [],
        [INNER, INNER],
        f"lacks 2 skips, all of them the {INNER}, that they have",
    ),
    "one too many": (
        [*DENSE, INNER],
        DENSE,
        f"has the {INNER} that they do not have",
    ),
    "another tap": (
        [*DENSE, ADDED._replace(tap=1, span=3)],
        [*DENSE, ADDED],
        "taps what follows its layer 1 for its additive skip where they tap their input",
    ),
    "another place": (
        [ADDED._replace(end=3, span=3)],
        [ADDED],
        "joins its additive skip after layer 3 where they join it after layer 4",
    ),
    "another operation": (
        [ADDED._replace(kind="concatenative", join="cat")],
        [ADDED],
        "joins its input by cat where they join it by add",
    ),
    "another count": ([ADDED._replace(operands=3)], [ADDED], "joins 3 tensors by add where they join 2"),
    "features of an encoder": (
        [LONG._replace(kind="additive", join="add")],
        [LONG],
        "joins its input by add where they join it by cat",
    ),
    "one for two": (
        [INNER, DENSE[0]],
        [ADDED],
        f"has 2 skips, the widest of them the {INNER}, where they have the {ADDED}",
    ),
    "all of it": (
        [INNER],
        [LONG],
        f"has the {INNER} where they have the {LONG}",
    ),
}


def test_a_skip_in_words() -> None:
    assert str(INNER) == "additive skip (add of 2) from what follows its layer 1 around 2 layers"
    assert str(LONG) == "long concatenative skip (cat of 2)"


@pytest.mark.parametrize(("odd", "usual", "sentence"), SENTENCES.values(), ids=SENTENCES.keys())
def test_one_sentence(odd: list[Wiring], usual: list[Wiring], sentence: str) -> None:
    assert Difference.between(odd, usual).sentence("they") == sentence


def test_expected_and_actual_leave_out_what_is_the_same() -> None:
    difference = Difference.between(DENSE, [*DENSE, ADDED])
    assert difference.expected == "additive skip (add of 2) from its input around 4 layers"
    assert difference.actual == "no such skip"


def test_several_skips_in_place_of_others_are_another_design() -> None:
    assert Difference.between([INNER], DENSE).is_another_design
    assert not Difference.between(DENSE, [ADDED]).is_another_design  # one join, of other tensors
    assert not Difference.between([], DENSE).is_another_design
    assert not Difference.between([*DENSE, INNER], DENSE).is_another_design
