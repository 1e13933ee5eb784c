"""Arguments of constructors in a report."""

from __future__ import annotations

import math
from typing import Any

import pytest
from torch import nn

from skiplint.reporting.describe_construction import describe_construction, plain
from skiplint.reporting.facts import construction
from skiplint.reporting.model_report import BuiltWithReport


class Odd:
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ("relu", "relu"),
        ((1, [2, (3,)]), [1, [2, [3]]]),
        ({"a": {"b": (1,)}}, {"a": {"b": [1]}}),
        # What JSON does not have is written as Python does.
        (math.inf, "inf"),
        (2**80, str(2**80)),
        ({1: 2}, "{1: 2}"),
        ({"b", "a"}, "{'a', 'b'}"),
        (nn.ReLU, "<class 'torch.nn.modules.activation.ReLU'>"),
        (nn.ReLU(), "ReLU()"),
        ("\ud800", "'\\ud800'"),
        (Odd(), "<Odd>"),
    ],
)
def test_a_value(value: Any, written: Any) -> None:
    assert plain(value) == written


def test_texts_are_the_same_in_every_run_and_short() -> None:
    def norm() -> None:
        """Has an address, which differs from run to run."""

    assert plain(norm) == "<function test_texts_are_the_same_in_every_run_and_short.<locals>.norm>"
    assert plain(object()) == "<object>"
    assert len(plain(nn.Sequential(*[nn.Linear(3, 3)] * 50))) == 200
    endless: list[Any] = []
    endless.append(endless)
    assert "[...]" in str(plain(endless))


def test_one_short_line() -> None:
    given = describe_construction("guessed", "", ((), {"dim": 64, "heads": 4}))
    assert construction(given) == "guessed arguments: dim=64, heads=4"
    assert construction(describe_construction("project", "train.py:12", ((3,), {}))) == "3 (train.py:12)"
    assert (
        construction(describe_construction("configuration", "", ((), {"a": [1, 2]})))
        == "a=[1, 2] (as configured)"
    )
    many = BuiltWithReport(kwargs={f"a{n}": n for n in range(9)} | {"a0": "x" * 99}, source="guessed")
    assert (
        construction(many) == f"guessed arguments: a0={'x' * 31}…, a1=1, a2=2, a3=3, a4=4, a5=5, and 3 more"
    )
    acts = BuiltWithReport(
        kwargs={"act": plain(nn.ReLU), "make": "<function f.<locals>.norm>"}, source="guessed"
    )
    assert construction(acts) == "guessed arguments: act=ReLU, make=norm"
