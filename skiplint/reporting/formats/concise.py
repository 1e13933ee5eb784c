"""One line a finding, ``path:line:column: code name message``, for editors and for grep."""

from __future__ import annotations

from skiplint.display.facts import counted
from skiplint.reporting.formats.style import Style
from skiplint.reporting.grouping import FindingGroup, group_findings
from skiplint.reporting.report import Report


def render(report: Report, style: Style) -> str:
    """The findings, one a line; empty where there are none."""
    del style
    return "".join(f"{_line(group)}\n" for group in group_findings(report.findings))


def _line(group: FindingGroup) -> str:
    """One line for all nodes of a fault: a block that is used twenty times has it at one source line."""
    finding = group.first
    place = finding.location
    if place is None:
        where = finding.model or "skiplint"
    else:
        where = ":".join(str(part) for part in (place.path, place.line, place.column) if part is not None)
    more = len(group.nodes) - 1
    others = f" (and at {counted(more, 'more node')})" if more > 0 else ""
    return f"{where}: {finding.code} {finding.name} {' '.join(finding.message.split())}{others}"
