"""Markdown for comments and job summaries."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from skiplint import Location
from skiplint.reporting.formats import render
from skiplint.reporting.report import ModelReport, Report


def test_golden(report: Report, snapshot: SnapshotAssertion) -> None:
    assert render(report, "markdown") == snapshot


def test_text_is_no_markup(report: Report) -> None:
    finding = replace(report.findings[2], message="a|b <img src=x> *c* `d`\n# e", location=None)
    text = render(structs.replace(report, findings=(finding,)), "markdown")
    assert r"a\|b \<img src=x\> \*c\* \`d\` \# e" in text


def test_a_bar_does_not_end_a_cell() -> None:
    model = ModelReport(target="a|b.py:N`et", name="Net", status="failed", reason="x | y")
    row = render(Report("0", (model,)), "markdown").splitlines()[-1]
    assert row == r"| ``a\|b.py:N`et`` | failed: x \| y |  |  |  |  |"


def test_a_comment_stays_short_enough_for_github(report: Report) -> None:
    many = tuple(replace(report.findings[2], location=Location("net.py", line)) for line in range(1, 500))
    text = render(structs.replace(report, findings=many), "markdown")
    assert len(text) < 65_536
    assert "… and 449 more." in text


def test_nothing_linted_is_not_praised() -> None:
    assert render(Report("0"), "markdown") == "## skiplint\n\n**Nothing was linted.**\n"
