"""Rules at the terminal."""

from __future__ import annotations

import pytest

from skiplint.linting.registry import load_registry
from skiplint.linting.rule import Rule
from skiplint.reporting.formats.rule_pages import rule_page, rule_table
from skiplint.reporting.formats.style import Style

RULES = load_registry().rules


def test_the_table_has_every_rule() -> None:
    table = rule_table(RULES, Style())
    assert all(rule.code in table and rule.name in table for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_has_a_page(rule: type[Rule]) -> None:
    page = rule_page(rule, Style(width=80))
    assert page.startswith(f"{rule.code} {rule.name}")
    for heading in ("What it does", "Why it is bad", "When it is wrong"):
        assert f"\n{heading}\n" in page
    assert max(len(line) for line in page.splitlines()) <= 80


def test_options_are_shown_with_their_defaults() -> None:
    rule = next(rule for rule in RULES if rule.name == "plain-depth")
    page = rule_page(rule, Style())
    assert "[tool.skiplint.rules.plain-depth]" in page
    assert "limit = 20" in page
