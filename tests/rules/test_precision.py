"""What the default rules find in stock models is what docs/precision.md lists and explains."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from skiplint import Analysis, Severity
from skiplint.linting.engine import run_rules
from skiplint.linting.registry import load_registry
from skiplint.tracing import Subject, trace_call
from tests.zoo.building import build
from tests.zoo.catalogue import ZooModel, catalogue

pytestmark = pytest.mark.filterwarnings("ignore")  # what the model packages deprecate

PAGE = Path(__file__).parents[2] / "docs" / "precision.md"
ROW = re.compile(r"\| (?P<model>[a-z]+:\S+) \| (?P<code>SKL\d{3}) \| (?P<count>\d+) \| (?P<reason>.+) \|")
ROWS = [match.groupdict() for match in map(ROW.fullmatch, PAGE.read_text("utf-8").splitlines()) if match]
RULES = [rule() for rule in load_registry().rules if rule.default]


def cases() -> list[object]:
    return [
        pytest.param(model, id=model.id, marks=() if model.quick else pytest.mark.zoo)
        for model in catalogue()
    ]


@pytest.mark.parametrize("model", cases())
def test_findings_are_those_that_were_reviewed(model: ZooModel) -> None:
    module, (args, kwargs) = build(model)
    graph = trace_call(module, args, dict(kwargs), recover=True)
    assert graph.faults == (), "a model that runs has no SKL101 and no SKL102"
    findings = run_rules(Analysis(graph, Subject(module, args, kwargs)), RULES, model=model.id)
    assert [finding.message for finding in findings if finding.severity is Severity.ERROR] == []
    warnings = Counter(finding.code for finding in findings if finding.severity is Severity.WARNING)
    assert warnings == {row["code"]: int(row["count"]) for row in ROWS if row["model"] == model.id}


def test_the_page_names_models_and_rules_that_exist() -> None:
    assert ROWS
    assert {row["model"] for row in ROWS} <= {model.id for model in catalogue()}
    assert {row["code"] for row in ROWS} <= {rule.code for rule in RULES}
