"""docs/rules is what the rules say of themselves.

With ``RULE_PAGES_WRITE=1`` in the environment a run brings it up to date.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skiplint import Rule
from skiplint.linting.registry import load_registry
from skiplint.reporting.formats.rule_pages import markdown_index, markdown_page

RULES = load_registry().rules
FOLDER = Path(__file__).parents[2] / "docs" / "rules"
STALE = "is stale: run RULE_PAGES_WRITE=1 pytest tests/rules/test_documentation.py"


def check(path: Path, text: str) -> None:
    if os.environ.get("RULE_PAGES_WRITE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path.name} {STALE}"
    assert path.read_text(encoding="utf-8") == text, f"{path.name} {STALE}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_page_is_up_to_date(rule: type[Rule]) -> None:
    check(FOLDER / f"{rule.name}.md", markdown_page(rule))


def test_index_is_up_to_date() -> None:
    check(FOLDER / "README.md", markdown_index(RULES))


def test_every_page_has_a_rule() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {"README", *(rule.name for rule in RULES)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_page_says_why_and_when_not(rule: type[Rule]) -> None:
    page = markdown_page(rule)
    assert page.startswith(f"# {rule.name} ({rule.code})\n")
    assert "## Why it is bad" in page
    assert "## When it is wrong" in page
