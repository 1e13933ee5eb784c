"""Counts per rule."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from skiplint import Severity
from skiplint.reporting.formats.statistics import (
    STATISTICS_FORMATS,
    RuleCount,
    count_rules,
    render_statistics,
)
from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import Report


@pytest.mark.parametrize("output_format", STATISTICS_FORMATS)
def test_golden(report: Report, output_format: str, snapshot: SnapshotAssertion) -> None:
    assert render_statistics(report, output_format, Style()) == snapshot


def test_the_most_frequent_first_and_places_apart_from_findings(report: Report) -> None:
    counts = count_rules(report)
    assert counts[0] == RuleCount("SKL205", "degenerate-skip", "warning", findings=7, places=2, models=2)
    assert [count.code for count in counts[1:]] == ["SKL002", "SKL305"]


def test_the_worst_severity_counts(report: Report) -> None:
    worse = replace(report.findings[-1], severity=Severity.ERROR)
    assert (
        count_rules(structs.replace(report, findings=(*report.findings[:-1], worse)))[0].severity == "error"
    )


def test_without_findings() -> None:
    assert render_statistics(Report("0"), "console", Style()) == "no findings\n"
    assert render_statistics(Report("0"), "concise", Style()) == ""
    assert json.loads(render_statistics(Report("0"), "json", Style()))["statistics"] == []
