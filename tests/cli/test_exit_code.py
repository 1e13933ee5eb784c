"""0, 1 or 2."""

from __future__ import annotations

import pytest

from skiplint import Finding, Report, Severity
from skiplint.cli.failures import exit_code
from skiplint.reporting.report import ModelReport, Status


def report(severity: str | None, status: Status = "traced", code: str = "SKL205") -> Report:
    found = (
        () if severity is None else (Finding(code=code, name="x", severity=Severity(severity), message="m"),)
    )
    return Report("0", (ModelReport(target="t", name="t", status=status),), found)


@pytest.mark.parametrize(
    ("severity", "fail_on", "code"),
    [
        (None, "info", 0),
        ("info", "info", 1),
        ("info", "warning", 0),
        ("warning", "warning", 1),
        ("warning", "error", 0),
        ("error", "error", 1),
    ],
)
def test_findings_at_or_above_the_level(severity: str | None, fail_on: str, code: int) -> None:
    assert exit_code(report(severity), Severity(fail_on)) == code
    assert exit_code(report(severity), Severity(fail_on), exit_zero=True) == 0


@pytest.mark.parametrize("exit_zero", [False, True])
def test_what_could_not_be_done_is_always_two(exit_zero: bool) -> None:
    assert exit_code(report(None, "failed"), Severity.ERROR, exit_zero=exit_zero) == 2
    assert exit_code(report("error", code="SKL002"), Severity.ERROR, exit_zero=exit_zero) == 2


def test_a_skipped_model_is_no_failure() -> None:
    assert exit_code(report(None, "skipped"), Severity.INFO) == 0
