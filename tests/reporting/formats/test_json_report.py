"""The machine-readable report holds to its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from skiplint.reporting.formats import render
from skiplint.reporting.report import Report

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text(encoding="utf-8"))


def test_golden(report: Report, snapshot: SnapshotAssertion) -> None:
    assert render(report, "json") == snapshot


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_reports_hold_to_the_schema(report: Report) -> None:
    jsonschema.validate(json.loads(render(report, "json")), SCHEMA)
    jsonschema.validate(json.loads(render(Report("0"), "json")), SCHEMA)


@pytest.mark.parametrize(("key", "value"), [("status", "good"), ("paths", {}), ("other", 1)])
def test_the_schema_refuses(report: Report, key: str, value: Any) -> None:
    data = report.to_dict()
    data["models"][0][key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, SCHEMA)
