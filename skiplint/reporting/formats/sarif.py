"""SARIF 2.1.0, the format of code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from skiplint.graph import Location
from skiplint.linting.finding import Finding, Severity
from skiplint.linting.registry import Registry, load_registry
from skiplint.reporting.facts import remarks
from skiplint.reporting.formats.fingerprints import fingerprints
from skiplint.reporting.formats.sarif_rules import RuleIndex
from skiplint.reporting.formats.style import Style
from skiplint.reporting.grouping import FindingGroup, group_findings
from skiplint.reporting.report import ModelReport, Report
from skiplint.reporting.source import source_line

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "skiplint/v1"
_ROOT = "%SRCROOT%"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report, style: Style) -> str:
    """A SARIF log of one run, with the documentation of the rules that found something."""
    del style
    return json.dumps(sarif_log(report, load_registry()), indent=2, ensure_ascii=False) + "\n"


def sarif_log(report: Report, registry: Registry) -> dict[str, Any]:
    """The log as plain dicts and lists; the rules' documentation comes from ``registry``."""
    groups = group_findings(report.findings)
    index = RuleIndex([group.first for group in groups], registry)
    driver = {
        "name": "skiplint",
        "version": report.version,
        "semanticVersion": report.version,
        "rules": index.own,
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver, **({"extensions": index.extensions} if index.extensions else {})},
        "invocations": [_invocation(report)],
        # GitHub and editors take the folder that they have checked out.
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that skiplint ran in."}}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(group, mark, index) for group, mark in zip(groups, fingerprints(groups), strict=True)
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(group: FindingGroup, mark: str, index: RuleIndex) -> dict[str, Any]:
    finding = group.first
    help_line = f"\nHelp: {finding.suggestion}" if finding.suggestion else ""
    return {
        **index.reference(finding),
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message + help_line},
        "locations": _locations(group),
        "partialFingerprints": {FINGERPRINT: mark},
        "properties": _properties(finding),
    }


def _locations(group: FindingGroup) -> list[dict[str, Any]]:
    """One: the place in the source, and every operation of the model where the fault shows."""
    place = group.first.location
    pairs = dict.fromkeys((finding.model, finding.node) for finding in group.findings if finding.node)
    names = [
        {"fullyQualifiedName": f"{model or ''}/{node}", "name": node, "kind": "operation"}
        for model, node in pairs
    ]
    where: dict[str, Any] = {}
    if place is not None and not place.path.startswith("<"):
        where["physicalLocation"] = _physical(place)
    if names:
        where["logicalLocations"] = names
    return [where] if where else []


def _physical(place: Location) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": place.line}
    line = source_line(place)
    ends = (("startColumn", place.column), ("endLine", place.end_line), ("endColumn", place.end_column))
    region |= {name: number for name, number in ends if number is not None}
    physical = {"artifactLocation": artifact_location(place.path), "region": region}
    if line and place.end_column is not None:
        # A region's snippet is what the region covers, which may be less than its lines.
        last = place.end_line or place.line
        lines = [source_line(replace(place, line=number)) for number in range(place.line, last + 1)]
        physical["contextRegion"] = {
            "startLine": place.line,
            "endLine": last,
            "snippet": {"text": "\n".join(lines)},
        }
    elif line:
        region["snippet"] = {"text": line}
    return physical


def artifact_location(path: str) -> dict[str, str]:
    """A file as a URI, relative to the working directory where it is below it."""
    pure = PurePath(path)
    if pure.is_absolute():
        return {"uri": pure.as_uri()}
    return {"uri": quote(pure.as_posix()), "uriBaseId": _ROOT}


def _properties(finding: Finding) -> dict[str, Any]:
    properties = {
        "model": finding.model,
        "expected": finding.expected,
        "actual": finding.actual,
        "shapes": [list(shape) for shape in finding.shapes] or None,
    }
    return {key: value for key, value in properties.items() if value is not None}


def _invocation(report: Report) -> dict[str, Any]:
    """Whether the run succeeded, and what failed or was skipped."""
    notices = [_notification(model) for model in report.models if model.status != "traced"]
    notices += [_remark(model, note) for model in report.models for note in remarks(model)]
    notices += [{"level": "note", "message": {"text": note}} for note in report.notes]
    if report.interruption is not None:
        notices.append({"level": "error", "message": {"text": f"the run was {report.interruption}"}})
    whole = not report.broken and report.interruption is None
    return {"executionSuccessful": whole, "toolExecutionNotifications": notices}


def _remark(model: ModelReport, note: str) -> dict[str, Any]:
    return {"level": "note", "message": {"text": f"{model.target}: {note}"}, **_places(model)}


def _notification(model: ModelReport) -> dict[str, Any]:
    notice: dict[str, Any] = {
        "level": "error" if model.status == "failed" else "note",
        "message": {"text": f"{model.target} {model.status}: {model.reason}"},
    }
    return notice | _places(model)


def _places(model: ModelReport) -> dict[str, Any]:
    if not model.path:
        return {}
    return {"locations": [{"physicalLocation": _physical(Location(model.path, model.line or 1))}]}
