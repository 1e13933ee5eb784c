"""``skiplint rules`` and ``skiplint explain``."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

Run = Callable[..., "object"]


def test_the_list_as_json(skiplint: Run) -> None:
    done = skiplint("rules", "--output-format", "json")
    assert done.returncode == 0
    rules = {rule["code"]: rule for rule in json.loads(done.stdout)}
    assert rules["SKL205"] == {
        "code": "SKL205",
        "name": "degenerate-skip",
        "severity": "warning",
        "default": True,
        "summary": (
            "A join that adds a tensor to itself, with nothing learned in between, "
            "or the same shortcut twice."
        ),
        "url": None,
    }


@pytest.mark.parametrize("key", ["SKL305", "skl305", "plain-depth"])
def test_explain_takes_codes_and_names(skiplint: Run, key: str) -> None:
    done = skiplint("explain", key)
    assert done.returncode == 0
    assert done.stdout.startswith("SKL305 plain-depth")


def test_explain_an_unknown_rule(skiplint: Run) -> None:
    done = skiplint("explain", "plaindepth")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "skiplint: error: there is no rule 'plaindepth', did you mean 'plain-depth'?\n"
