"""The machine-readable report as JSON; docs/report.schema.json describes it."""

from __future__ import annotations

import json

from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import Report


def render(report: Report, style: Style) -> str:
    """One indented JSON object, keys in the order of the schema."""
    del style
    return json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
