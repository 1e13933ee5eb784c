"""First settings get into a file without harm to what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiplint.settings.first_settings import ModelEntry, settings_text, with_settings
from skiplint.settings.settings import ConfigError, parse_toml

PROJECT = Path("pyproject.toml")
RUNS = ModelEntry(('target = "a.py:Net"', "kwargs = {depth = 2}"), works=True, remark="Net runs.")
FAILS = ModelEntry(('target = "a.py:Odd"',), works=False, remark="Odd does not run.")

MESSY = """\
# ours
[project]   # a remark
name    = 'nets'      # another

[tool.other]
list = [1,
        2 ]  # kept as it is
[tool.other.inner]
a.b.c = 1
"""


def test_the_old_text_stays_as_it_is() -> None:
    text = with_settings(PROJECT, MESSY, [RUNS])
    assert text.startswith(MESSY)
    assert parse_toml(text)["tool"]["skiplint"] == {
        "fail-on": "warning",
        "models": [{"target": "a.py:Net", "kwargs": {"depth": 2}}],
    }


def test_what_does_not_run_is_a_comment() -> None:
    text = settings_text([FAILS], prefix="tool.skiplint")
    assert text.endswith('\n\n# Odd does not run.\n# [[tool.skiplint.models]]\n# target = "a.py:Odd"\n')
    assert "models" not in parse_toml(text)["tool"]["skiplint"]


def test_a_file_of_its_own_needs_no_prefix() -> None:
    text = with_settings(Path("skiplint.toml"), "", [RUNS])
    assert parse_toml(text)["models"][0]["target"] == "a.py:Net"


@pytest.mark.parametrize("place", ["first", "middle", "last", "dotted"])
def test_settings_that_are_there_are_replaced(place: str) -> None:
    settings = '[tool.skiplint]\nfail-on = "info"\n\n[tool.skiplint.rules.plain-depth]\nlimit = 3\n\n'
    old = {
        "first": settings + MESSY,
        "middle": "[tool.before]\nx = 1  # x\n\n" + settings + MESSY,
        "last": MESSY + "\n" + settings,
        "dotted": '[tool]\nskiplint.fail-on = "info"\nother.a = 1\n',
    }[place]
    new = with_settings(PROJECT, old, [])
    assert parse_toml(new)["tool"]["skiplint"] == {"fail-on": "warning"}
    if place != "dotted":
        assert MESSY.strip() in new
    else:
        assert parse_toml(new)["tool"]["other"] == {"a": 1}


def test_comments_among_the_settings_go_with_them() -> None:
    """Else a second ``init --force`` would pile up what the first one wrote."""
    once = with_settings(PROJECT, MESSY, [RUNS, FAILS])
    assert with_settings(PROJECT, once, [RUNS, FAILS]) == once


def test_ends_of_lines_are_the_files_own() -> None:
    new = with_settings(PROJECT, MESSY.replace("\n", "\r\n"), [RUNS])
    assert new.count("\n") == new.count("\r\n")


def test_a_file_that_takes_no_more() -> None:
    """An inline table is closed, so nothing can be added below it."""
    with pytest.raises(ConfigError, match=r"^pyproject\.toml"):
        with_settings(PROJECT, "tool = { other = 1 }\n", [])


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])),
    st.text("\n# ", max_size=4),
)
def test_any_comment_survives(comment: str, end: str) -> None:
    old = f'[project]\nname = "x"  # {comment}\n[tool.other]\na = 1{end}'
    try:
        parse_toml(old)
    except ValueError:
        return
    assert with_settings(PROJECT, old, [RUNS]).startswith(old)
