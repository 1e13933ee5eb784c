"""The JSON report, one record a line."""

from __future__ import annotations

import json

from syrupy.assertion import SnapshotAssertion

from skiplint.cli.options import OutputFormat
from skiplint.reporting.formats import FORMATS, render
from skiplint.reporting.report import Report


def test_golden(report: Report, snapshot: SnapshotAssertion) -> None:
    assert render(report, "jsonlines") == snapshot


def test_the_lines_make_the_report(report: Report) -> None:
    records = [json.loads(line) for line in render(report, "jsonlines").splitlines()]
    kinds = [record.pop("type") for record in records]
    whole = {
        **records[0],
        **{
            f"{kind}s": [r for r, k in zip(records, kinds, strict=True) if k == kind]
            for kind in ("model", "finding")
        },
    }
    assert whole == report.to_dict()


def test_the_command_line_offers_every_format() -> None:
    # The page has a command of its own, `skiplint report`.
    assert {each.value for each in OutputFormat} == set(FORMATS) - {"html"}
