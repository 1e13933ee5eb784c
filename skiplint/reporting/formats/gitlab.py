"""The Code Quality report of GitLab.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from skiplint.linting.finding import Severity
from skiplint.reporting.formats.fingerprints import fingerprints
from skiplint.reporting.formats.style import Style
from skiplint.reporting.grouping import FindingGroup, group_findings
from skiplint.reporting.report import ModelReport, Report

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}
_NO_FILE = "."
"""GitLab wants a path; what has no file is about the folder."""


def render(report: Report, style: Style) -> str:
    """A JSON array: an object for each finding, or for a fault in many blocks, and for each failed model."""
    del style
    issues = [_failure(model) for model in report.models if model.status == "failed"]
    groups = group_findings(report.findings)
    paths = {model.target: model.path for model in report.models}
    issues += [
        _finding(group, mark, paths.get(group.first.model or ""))
        for group, mark in zip(groups, fingerprints(groups), strict=True)
    ]
    return json.dumps(issues, indent=2, ensure_ascii=False) + "\n"


def _failure(model: ModelReport) -> dict[str, Any]:
    mark = hashlib.sha256(f"failed\0{model.target}".encode()).hexdigest()[:32]
    text = f"{model.target} could not be linted: {model.reason}"
    return _issue("model-failed", text, mark, "blocker", model.path, model.line)


def _finding(group: FindingGroup, mark: str, path: str | None) -> dict[str, Any]:
    finding = group.first
    place = finding.location
    text = f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message
    severity = _SEVERITIES[finding.severity]
    return _issue(
        f"{finding.code} {finding.name}",
        text,
        mark,
        severity,
        place.path if place else path,
        place.line if place else None,
        place.end_line if place else None,
    )


def _issue(
    check: str,
    text: str,
    mark: str,
    severity: str,
    path: str | None,
    line: int | None,
    end: int | None = None,
) -> dict[str, Any]:
    lines = {"begin": line or 1, **({} if end is None else {"end": end})}
    return {
        "description": text,
        "check_name": check,
        "fingerprint": mark,
        "severity": severity,
        "location": {"path": path or _NO_FILE, "lines": lines},
    }
