"""One line a finding."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from skiplint.reporting.formats import render
from skiplint.reporting.report import Report


def test_golden(report: Report, snapshot: SnapshotAssertion) -> None:
    assert render(report, "concise") == snapshot


def test_a_message_of_two_lines_stays_on_one(report: Report) -> None:
    finding = replace(report.findings[0], message="a\nb")
    assert (
        render(structs.replace(report, findings=(finding,)), "concise")
        == "skiplint: SKL002 rule-failed a b\n"
    )


def test_no_findings_no_output(report: Report) -> None:
    assert render(structs.replace(report, findings=()), "concise") == ""
