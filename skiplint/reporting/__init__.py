"""One module an output format, each a pure function ``render(report, style) -> str`` of the same report."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from skiplint.linting.report import Report
from skiplint.reporting.style import Style

Renderer = Callable[[Report, Style], str]

FORMATS = {
    "console": "skiplint.reporting.console",
    "concise": "skiplint.reporting.concise",
    "json": "skiplint.reporting.json_report",
    "jsonlines": "skiplint.reporting.jsonlines",
    "sarif": "skiplint.reporting.sarif",
    "github": "skiplint.reporting.github",
    "gitlab": "skiplint.reporting.gitlab",
    "junit": "skiplint.reporting.junit",
    "markdown": "skiplint.reporting.markdown",
    "html": "skiplint.reporting.html",
}
"""Modules by the name of their format; only the one that is used is imported."""


def render(report: Report, output_format: str, style: Style | None = None) -> str:
    """``report`` as text in one of :data:`FORMATS`, with a newline at the end unless it is empty."""
    renderer: Renderer = importlib.import_module(FORMATS[output_format]).render
    return renderer(report, style or Style())
