"""Every built-in rule keeps its own promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiplint import Rule
from skiplint.linting.registry import load_registry
from skiplint.linting.tool_rules import TOOL_RULES
from skiplint.testing import assert_documented, assert_rule

RULES = [rule for rule in load_registry().rules if rule not in TOOL_RULES]
FOLDER = Path(__file__).parents[2] / "rules"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule(rule: type[Rule]) -> None:
    assert_rule(rule)


@pytest.mark.parametrize("rule", TOOL_RULES, ids=lambda rule: rule.name)
def test_rules_about_the_run_are_documented(rule: type[Rule]) -> None:
    assert_documented(rule)


def test_one_module_a_rule_named_after_it() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    assert {rule.name.replace("-", "_") for rule in RULES} == modules
