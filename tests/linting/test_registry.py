"""Rules come from entry points; what cannot be used is named, and the rest is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from skiplint.linting.registry import ENTRY_POINT_GROUP, load_registry, match_length
from skiplint.linting.rule import flags
from skiplint.linting.tool_rules import TOOL_RULES, RuleFailed

RULE = '''
from skiplint import Rule, Severity

class {cls}(Rule):
    """A rule."""
    code = "{code}"
    name = "{name}"
    severity = Severity.INFO

    def check(self, analysis):
        yield from ()
'''


def rule_source(cls: str = "Mine", code: str = "MIN101", name: str = "mine") -> str:
    return RULE.format(cls=cls, code=code, name=name)


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for modules that can be imported, and are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("pack"):
            del sys.modules[name]


def point(value: str, name: str = "pack") -> EntryPoint:
    return EntryPoint(name, value, ENTRY_POINT_GROUP)


def own_codes(*points: EntryPoint) -> list[str]:
    registry = load_registry(points)
    assert registry.failures == ()
    return [rule.code for rule in registry.rules if rule not in TOOL_RULES]


def test_the_built_in_pack_comes_through_the_same_door() -> None:
    registry = load_registry()
    assert registry.failures == ()
    assert registry.find("SKL205") is registry.find("degenerate-skip")
    assert registry.find("SKL205").__module__.startswith("skiplint_rules")  # type: ignore[union-attr]


def test_rules_are_in_the_order_of_their_codes() -> None:
    codes = [rule.code for rule in load_registry().rules]
    assert codes == sorted(codes)


def test_a_module_gives_the_rules_that_it_defines(packs: Path) -> None:
    (packs / "pack_module.py").write_text("from skiplint import Rule\n" + rule_source())
    assert own_codes(point("pack_module")) == ["MIN101"]


def test_a_package_gives_the_rules_of_its_modules(packs: Path) -> None:
    (packs / "pack_folder").mkdir()
    (packs / "pack_folder" / "__init__.py").touch()
    (packs / "pack_folder" / "one.py").write_text(rule_source("One", "MIN101", "one"))
    (packs / "pack_folder" / "two.py").write_text(rule_source("Two", "MIN102", "two"))
    assert own_codes(point("pack_folder")) == ["MIN101", "MIN102"]


def test_a_list_of_rules_is_taken_as_it_is(packs: Path) -> None:
    source = rule_source("One", "MIN101", "one") + rule_source("Two", "MIN102", "two") + "RULES = [Two]\n"
    (packs / "pack_list.py").write_text(source)
    assert own_codes(point("pack_list")) == ["MIN102"]
    assert own_codes(point("pack_list:One")) == ["MIN101"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "import no_such_module",
            "could not be loaded: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        (rule_source(code="mine1"), "has code 'mine1', which is not capital letters and three digits"),
        (rule_source(name="Mine"), "has name 'Mine', which is not kebab-case"),
        (
            rule_source(code="SKL002"),
            "has the code SKL002, which rule skiplint.linting.tool_rules.RuleFailed",
        ),
        (rule_source(name="rule-failed"), "has the name rule-failed, which rule skiplint.linting"),
        (rule_source().replace('"""A rule."""', ""), "has no docstring to take its summary from"),
        (rule_source().replace("severity =", "other ="), "has no severity"),
        ("RULES = [1]", "is neither a rule nor a module with rules"),
    ],
)
def test_what_cannot_be_used_is_named(packs: Path, source: str, reason: str) -> None:
    (packs / "pack_bad.py").write_text(source)
    registry = load_registry([point("pack_bad", "bad"), point("skiplint_rules", "builtin")])
    assert len(registry.failures) == 1
    assert reason in registry.failures[0].reason
    assert registry.find("SKL205") is not None


def test_one_broken_module_of_a_package_leaves_the_others(packs: Path) -> None:
    (packs / "pack_half").mkdir()
    (packs / "pack_half" / "__init__.py").touch()
    (packs / "pack_half" / "broken.py").write_text("1 / 0")
    (packs / "pack_half" / "whole.py").write_text(rule_source())
    registry = load_registry([point("pack_half")])
    assert registry.find("MIN101") is not None
    assert [failure.what for failure in registry.failures] == ["rule module pack_half.broken"]
    assert "ZeroDivisionError" in registry.failures[0].detail


@pytest.mark.parametrize(
    ("selector", "length"),
    [
        ("ALL", 0),
        ("SKL", 3),
        ("SKL00", 5),
        ("SKL002", 6),
        ("rule-failed", 6),
        ("skl0", 4),
        ("rule", None),
        ("", None),
    ],
)
def test_how_exactly_a_selector_names_a_rule(selector: str, length: int | None) -> None:
    assert match_length(selector, RuleFailed) == length


def test_a_rule_says_which_of_its_options_the_command_line_sets(packs: Path) -> None:
    (packs / "pack_flag.py").write_text(
        "from typing import Annotated\n"
        "from skiplint.rules_api import RuleOptions, flag\n"
        + rule_source()
        + "    class Options(RuleOptions, frozen=True):\n"
        '        limit: Annotated[str, flag("--memory-budget")] = ""\n'
        "        least: int = 3\n"
    )
    registry = load_registry([point("pack_flag")])
    rule = registry.taking("--memory-budget")
    assert rule is registry.find("mine")
    assert rule is not None
    assert flags(rule) == {"--memory-budget": "limit"}
    assert registry.taking("--batch") is None
