"""Every reported fault is found before its repair, where it is, and nothing is found after it."""

from __future__ import annotations

import pytest

from skiplint import Analysis
from skiplint.linting.engine import run_rules
from skiplint.linting.finding import Finding
from skiplint.linting.registry import load_registry
from skiplint.linting.selection import Selection, choose_rules
from skiplint.tracing import Subject, trace_or_recover

from . import in_place, initialisation, norms, sizes, wiring
from .case import Case

CASES = (*in_place.CASES, *norms.CASES, *sizes.CASES, *wiring.CASES, *initialisation.CASES)
REGISTRY = load_registry()


def found(case: Case, *, before: bool) -> list[Finding]:
    build = case.before if before else case.after
    assert build is not None
    selection = Selection(extend_select=[case.code] if case.code else [])
    rules = choose_rules(REGISTRY, selection, {case.code: case.options} if case.code else None)
    # That a small decoder takes some sizes only is true before and after, and not what was reported.
    rules = [rule for rule in rules if rule.code != "SKL104"]
    model, inputs = build(), case.inputs()
    analysis = Analysis(trace_or_recover(model, inputs, {}), Subject(model, inputs, {}))
    return run_rules(analysis, rules, model=case.source)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_found_before_the_repair(case: Case) -> None:
    findings = found(case, before=True)
    codes = [code for code in (case.code, case.besides) if code is not None]
    wanted = [(code, node) for code in codes for node in case.joins]
    assert [(finding.code, finding.node) for finding in findings] == wanted
    assert all(finding.location and finding.location.path.endswith(".py") for finding in findings)


@pytest.mark.parametrize("case", [case for case in CASES if case.after], ids=lambda case: case.source)
def test_silent_after_the_repair(case: Case) -> None:
    assert found(case, before=False) == []
