"""Every reported fault is found before its repair, where it is, and nothing is found after it."""

from __future__ import annotations

import pytest

from skiplint import Analysis
from skiplint.linting.engine import run_rules
from skiplint.linting.finding import Finding
from skiplint.linting.registry import load_registry
from skiplint.tracing import Subject, trace_or_recover

from . import in_place, norms, sizes, wiring
from .case import Case

CASES = (*in_place.CASES, *norms.CASES, *sizes.CASES, *wiring.CASES)
RULES = [rule() for rule in load_registry().rules if rule.default]


def found(case: Case, *, before: bool) -> list[Finding]:
    build = case.before if before else case.after
    assert build is not None
    model, inputs = build(), case.inputs()
    analysis = Analysis(trace_or_recover(model, inputs, {}), Subject(model, inputs, {}))
    return run_rules(analysis, RULES, model=case.source)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_found_before_the_repair(case: Case) -> None:
    findings = found(case, before=True)
    wanted = [] if case.code is None else [(case.code, node) for node in case.joins]
    assert [(finding.code, finding.node) for finding in findings] == wanted
    assert all(finding.location and finding.location.path.endswith(".py") for finding in findings)


@pytest.mark.parametrize("case", [case for case in CASES if case.after], ids=lambda case: case.source)
def test_silent_after_the_repair(case: Case) -> None:
    assert found(case, before=False) == []
