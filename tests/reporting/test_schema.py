"""The published JSON Schema of the report is generated from the structs that are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from skiplint.reporting.report import ModelReport, Report
from skiplint.reporting.schema import report_schema, schema_text

PUBLISHED = Path(__file__).parents[2] / "docs" / "report.schema.json"


def test_the_published_schema_is_fresh() -> None:
    """Run with ``SCHEMA_WRITE=1`` to write it anew."""
    if os.environ.get("SCHEMA_WRITE"):
        PUBLISHED.write_text(schema_text(), encoding="utf-8")
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())


def test_what_is_always_written_is_required(report: Report) -> None:
    """Every key of a full report is required, but for those of commands that were not asked for."""
    schema = report_schema()
    model = schema["$defs"]["ModelEntry"]
    assert set(model["properties"]) - set(model["required"]) == {"ablation"}
    memory = schema["$defs"]["MemoryReport"]
    assert set(memory["properties"]) - set(memory["required"]) == {"growth", "budget"}
    written = report.to_dict()["models"][0]
    assert list(written) == model["required"]
    assert list(written["memory"]) == memory["required"]


def test_the_texts_of_the_structs_are_in_it() -> None:
    places = report_schema()["$defs"]["LocationReport"]["properties"]
    assert places["end_column"]["description"] == "The column after the last character."
    saved = report_schema()["$defs"]["SavedStorage"]["properties"]
    assert saved["for"]["description"] == "The operations whose backward reads it."


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("models", 0, "memory", "peak_inference_bytes"), -1),
        (("models", 0, "paths", "count"), 3),
        (("models", 0, "paths", "count"), "three"),
        (("models", 0, "skips", 0, "kind"), "subtractive"),
        (("models", 0, "skips", 0, "location", "line"), 0),
        (("findings", 0, "severity"), "fatal"),
        (("findings", 0, "message"), ""),
        (("schema_version",), 2),
    ],
)
def test_it_refuses(report: Report, where: tuple[Any, ...], value: Any) -> None:
    data = report.to_dict()
    place: Any = data
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    assert not jsonschema.Draft202012Validator(report_schema()).is_valid(data)


def test_a_report_can_be_read_back(report: Report) -> None:
    """As the cache does: what was encoded decodes to equal structs."""
    models = report.models
    assert msgspec.json.decode(msgspec.json.encode(models), type=tuple[ModelReport, ...]) == models
