"""The machine-readable report with one record a line, for ``jq`` and for logs."""

from __future__ import annotations

import json
from typing import Any

from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import Report


def render(report: Report, style: Style) -> str:
    """A line for the run, then one for each model and each finding.

    ``type`` says which; the other keys are those of the JSON report (docs/report.schema.json).
    """
    del style
    whole = report.to_dict()
    models, findings = whole.pop("models"), whole.pop("findings")
    records = [
        ("run", whole),
        *(("model", each) for each in models),
        *(("finding", each) for each in findings),
    ]
    return "".join(_line(kind, record) for kind, record in records)


def _line(kind: str, record: dict[str, Any]) -> str:
    return json.dumps({"type": kind, **record}, ensure_ascii=False) + "\n"
