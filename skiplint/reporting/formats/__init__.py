"""The output formats: one module each, with a pure function ``render(report, style) -> str``."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import Report

Renderer = Callable[[Report, Style], str]

FORMATS = {
    "console": "skiplint.reporting.formats.console",
    "concise": "skiplint.reporting.formats.concise",
    "json": "skiplint.reporting.formats.json_report",
    "jsonlines": "skiplint.reporting.formats.jsonlines",
    "sarif": "skiplint.reporting.formats.sarif",
    "github": "skiplint.reporting.formats.github",
    "gitlab": "skiplint.reporting.formats.gitlab",
    "junit": "skiplint.reporting.formats.junit",
    "markdown": "skiplint.reporting.formats.markdown",
    "html": "skiplint.reporting.formats.html",
}
"""Modules by the name of their format; only the one that is used is imported."""


def render(report: Report, output_format: str, style: Style | None = None) -> str:
    """``report`` as text in one of :data:`FORMATS`, with a newline at the end unless it is empty."""
    renderer: Renderer = importlib.import_module(FORMATS[output_format]).render
    return renderer(report, style or Style())
