"""JUnit XML for Jenkins and GitLab: a suite for each file, a test case for each model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from xml.etree import ElementTree as ET

from skiplint.linting.finding import Finding, Severity
from skiplint.linting.tool_rules import RuleFailed
from skiplint.reporting.facts import remarks
from skiplint.reporting.formats.style import Style
from skiplint.reporting.grouping import FindingGroup, group_findings
from skiplint.reporting.report import Interruption, ModelReport, Report

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""
_TOOL = "skiplint"


def render(report: Report, style: Style) -> str:
    """The report as JUnit XML.

    A finding of severity warning or error is a ``failure`` of its model's case, a failed rule and a failed
    model an ``error``, a skipped model is ``skipped``. ``system-out`` has all findings, those of severity
    info too, for readers that show only the first failure. Times are left out, so that equal runs give
    equal files.
    """
    del style
    suites: dict[str, list[_Case]] = {}
    for case in _cases(report):
        suites.setdefault(case.suite, []).append(case)
    root = ET.Element("testsuites", {"name": _TOOL})
    for name, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": _legal(name)})
        for case in cases:
            _add_case(suite, case)
        _count(suite, [suite])
    if report.interruption is not None:
        _add_interruption(root, report.interruption)
    _count(root, list(root))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False, short_empty_elements=True).join(
        ('<?xml version="1.0" encoding="utf-8"?>\n', "\n")
    )


def _add_interruption(root: ET.Element, interruption: Interruption) -> None:
    """A case that is an error, since a suite that lacks cases would pass for a whole one."""
    suite = ET.SubElement(root, "testsuite", {"name": _TOOL})
    element = ET.SubElement(suite, "testcase", {"classname": _TOOL, "name": "the whole run"})
    ET.SubElement(element, "error", {"message": f"the run was {interruption}", "type": "interrupted"})
    _count(suite, [suite])


@dataclass(frozen=True, slots=True)
class _Case:
    suite: str
    name: str
    model: ModelReport | None
    findings: tuple[Finding, ...]


def _cases(report: Report) -> list[_Case]:
    """A test case for each model, and one for findings about no model."""
    left = list(report.findings)
    cases = []
    for model in report.models:
        own = tuple(finding for finding in left if finding.model == model.target)
        left = [finding for finding in left if finding.model != model.target]
        place = model.path or model.target.rpartition(":")[0] or model.target
        cases.append(_Case(place, model.target, model, own))
    by_target: dict[str, list[Finding]] = {}
    for finding in left:
        by_target.setdefault(finding.model or _TOOL, []).append(finding)
    cases += [_Case(_TOOL, name, None, tuple(findings)) for name, findings in by_target.items()]
    return cases


def _add_case(suite: ET.Element, case: _Case) -> None:
    attributes = {"classname": _class_name(case.suite), "name": case.name}
    if case.model is not None and case.model.path:
        attributes["file"] = case.model.path
    element = ET.SubElement(suite, "testcase", {key: _legal(text) for key, text in attributes.items()})
    groups = group_findings(case.findings)
    for group in groups:
        if group.first.severity is not Severity.INFO:
            tag = "error" if group.first.code == RuleFailed.code else "failure"
            _add_problem(element, tag, group)
    if case.model is not None and case.model.status != "traced":
        tag = "error" if case.model.status == "failed" else "skipped"
        problem = ET.SubElement(element, tag, {"message": _legal(case.model.reason or "")})
        if tag == "error":
            problem.set("type", "model-failed")
            problem.text = _legal(case.model.reason or "")
    said = [*(_text(group) for group in groups), *(remarks(case.model) if case.model is not None else ())]
    if said:
        ET.SubElement(element, "system-out").text = _legal("\n\n".join(said))


def _add_problem(element: ET.Element, tag: str, group: FindingGroup) -> None:
    finding = group.first
    attributes = {"type": f"{finding.code} {finding.name}", "message": finding.message}
    problem = ET.SubElement(element, tag, {key: _legal(text) for key, text in attributes.items()})
    problem.text = _legal(_text(group))


def _text(group: FindingGroup) -> str:
    finding = group.first
    place = finding.location
    where = [part for part in (place.path, place.line, place.column) if part is not None] if place else []
    lines = [f"{finding.severity.value}[{finding.code} {finding.name}] {finding.message}"]
    lines += [f"--> {':'.join(str(part) for part in where)}"] if where else []
    notes: Sequence[tuple[str, str | None]] = (
        ("operands", "  ".join(str(list(shape)) for shape in finding.shapes)),
        ("expected", finding.expected),
        ("actual", finding.actual),
        ("at", ", ".join(group.nodes)),
        ("help", finding.suggestion),
    )
    return "\n".join([*lines, *(f"{label}: {text}" for label, text in notes if text)])


def _count(element: ET.Element, parents: Sequence[ET.Element]) -> None:
    """Set the counts of ``element`` from the cases in ``parents``."""
    cases = [case for parent in parents for case in parent.iter("testcase")]
    element.set("tests", str(len(cases)))
    # A case counts once, and an error goes before a failure.
    errors = [case for case in cases if case.find("error") is not None]
    failures = [case for case in cases if case.find("failure") is not None and case.find("error") is None]
    element.set("failures", str(len(failures)))
    element.set("errors", str(len(errors)))
    element.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))


def _class_name(path: str) -> str:
    """Such as ``nets.unet`` for ``nets/unet.py``: Jenkins folds cases by the parts of it."""
    pure = PurePath(path)
    parts = pure.with_suffix("").parts if pure.suffix == ".py" else pure.parts
    return ".".join(part.strip("/\\") for part in parts if part.strip("/\\.")) or _TOOL


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
