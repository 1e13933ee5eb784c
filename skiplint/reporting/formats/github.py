"""Workflow commands of GitHub Actions: each becomes an annotation at its line of the pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from skiplint.graph import Location
from skiplint.linting.finding import Severity
from skiplint.reporting.formats.style import Style
from skiplint.reporting.grouping import FindingGroup, group_findings
from skiplint.reporting.report import ModelReport, Report

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report, style: Style) -> str:
    """One command for each finding and each failed model; one for a fault that shows in many blocks."""
    del style
    failed = [_failure(model) for model in report.models if model.status == "failed"]
    if report.interruption is not None:
        failed.append(_command("error", None, "skiplint", f"the run was {report.interruption}"))
    return "".join(failed + [_finding(group) for group in group_findings(report.findings)])


def _failure(model: ModelReport) -> str:
    place = Location(model.path, model.line or 1) if model.path else None
    return _command("error", place, f"{model.target} could not be linted", model.reason or "")


def _finding(group: FindingGroup) -> str:
    finding = group.first
    lines = [finding.message]
    if finding.shapes:
        lines.append("operands: " + "  ".join(str(list(shape)) for shape in finding.shapes))
    if group.nodes:
        lines.append("at: " + ", ".join(group.nodes))
    if finding.suggestion:
        lines.append(f"help: {finding.suggestion}")
    title = f"{finding.code} {finding.name}"
    return _command(_COMMANDS[finding.severity], finding.location, title, "\n".join(lines))


def _command(name: str, place: Location | None, title: str, message: str) -> str:
    properties: list[tuple[str, object]] = []
    if place is not None:
        properties += [("file", place.path), ("line", place.line)]
        end = place.end_line or place.line
        if end == place.line:  # GitHub takes columns only within one line.
            columns = (("col", place.column), ("endColumn", place.end_column))
            properties += [(name, column) for name, column in columns if column is not None]
        else:
            properties.append(("endLine", end))
    properties.append(("title", title))
    listed = ",".join(f"{key}={_escape_property(str(value))}" for key, value in properties)
    return f"::{name} {listed}::{_escape(message)}\n"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
