"""Which rules run: by code, by the beginning of codes, by name, the most exact selector first."""

from __future__ import annotations

import pytest

from skiplint import Severity
from skiplint.linting.registry import Registry
from skiplint.linting.selection import Selection, SelectionError, choose_rules


def chosen(registry: Registry, **choice: object) -> list[str]:
    return [rule.code for rule in choose_rules(registry, Selection(**choice))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("choice", "codes"),
    [
        ({}, ["SKL001", "SKL002", "TST201", "TST301"]),
        ({"select": ["TST2"]}, ["TST201", "TST202"]),
        ({"select": ["tst202"]}, ["TST202"]),
        ({"select": ["finds-adds"]}, ["TST201"]),
        ({"select": ["ALL"]}, ["SKL001", "SKL002", "TST201", "TST202", "TST301"]),
        ({"extend_select": ["TST202"]}, ["SKL001", "SKL002", "TST201", "TST202", "TST301"]),
        ({"ignore": ["TST"]}, ["SKL001", "SKL002"]),
        ({"select": ["ALL"], "ignore": ["SKL", "raises"]}, ["TST201", "TST202"]),
    ],
)
def test_choosing(registry: Registry, choice: dict[str, list[str]], codes: list[str]) -> None:
    assert chosen(registry, **choice) == codes


def test_the_longest_prefix_wins(registry: Registry) -> None:
    assert chosen(registry, select=["TST201"], ignore=["TST2"]) == ["TST201"]
    assert chosen(registry, select=["TST"], ignore=["TST2"]) == ["TST301"]
    assert chosen(registry, select=["TST"], ignore=["TST201"]) == ["TST202", "TST301"]


def test_ignore_wins_a_draw(registry: Registry) -> None:
    assert chosen(registry, select=["TST201"], ignore=["finds-adds"]) == []


def test_an_unknown_selector_is_an_error_with_the_likely_word(registry: Registry) -> None:
    with pytest.raises(
        SelectionError, match="no rule matches 'find-adds', did you mean 'finds-adds'"
    ) as caught:
        chosen(registry, extend_select=["find-adds"])
    assert caught.value.key == "extend-select"


def test_per_file_ignores() -> None:
    from skiplint.linting.tool_rules import UnusedSuppression

    selection = Selection(per_file_ignores={"old/*.py": ["SKL0"]})
    assert selection.ignored_in(UnusedSuppression, "old/net.py")
    assert selection.ignored_in(UnusedSuppression, "/home/me/old/net.py")
    assert not selection.ignored_in(UnusedSuppression, "new/net.py")


def test_options_and_severity_from_tables(registry: Registry) -> None:
    tables = {"finds-adds": {"at-most": 3, "severity": "error"}}
    rule = next(rule for rule in choose_rules(registry, tables=tables) if rule.name == "finds-adds")
    assert rule.options.at_most == 3
    assert rule.options.word == "added"
    assert rule.effective_severity is Severity.ERROR


def test_a_table_may_go_by_code(registry: Registry) -> None:
    rules = choose_rules(registry, Selection(select=["TST201"]), {"TST201": {"word": "plus"}})
    assert rules[0].options.word == "plus"


@pytest.mark.parametrize(
    ("tables", "key", "message"),
    [
        ({"find-adds": {}}, "rules.find-adds", "there is no rule 'find-adds', did you mean 'finds-adds'?"),
        (
            {"finds-adds": {"wrod": "x"}},
            "rules.finds-adds.wrod",
            "finds-adds has no option 'wrod', did you mean 'word'?",
        ),
        ({"finds-adds": {"at-most": "x"}}, "rules.finds-adds", "Expected `int`, got `str` - at `$.at_most`"),
        ({"raises": {"severity": "bad"}}, "rules.raises.severity", "'bad' is none of error, warning, info"),
    ],
)
def test_a_wrong_table(
    registry: Registry, tables: dict[str, dict[str, object]], key: str, message: str
) -> None:
    with pytest.raises(SelectionError) as caught:
        choose_rules(registry, tables=tables)
    assert caught.value.key == key
    assert str(caught.value) == message
