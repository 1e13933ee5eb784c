"""One line a finding, ``path:line:column: code name message``, for editors and for grep."""

from __future__ import annotations

from skiplint.linting.finding import Finding
from skiplint.linting.report import Report
from skiplint.reporting.style import Style


def render(report: Report, style: Style) -> str:
    """The findings alone, one a line; nothing at all where there are none."""
    del style
    # A block that is used twenty times has its fault at one line, and one line is enough here.
    lines = dict.fromkeys(_line(finding) for finding in report.findings)
    return "".join(f"{line}\n" for line in lines)


def _line(finding: Finding) -> str:
    place = finding.location
    if place is None:
        where = finding.model or "skiplint"
    else:
        where = ":".join(str(part) for part in (place.path, place.line, place.column) if part is not None)
    return f"{where}: {finding.code} {finding.name} {' '.join(finding.message.split())}"
