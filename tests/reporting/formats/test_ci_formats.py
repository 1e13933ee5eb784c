"""What CI systems read: GitHub's workflow commands, GitLab's Code Quality, JUnit XML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import junitparser
import pytest
from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from skiplint import Location, Severity
from skiplint.reporting.formats import render
from skiplint.reporting.report import Interruption, ModelReport, Report

CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "minLength": 1, "pattern": "^[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""What GitLab documents of the format; it publishes no schema."""


@pytest.mark.parametrize("output_format", ["github", "gitlab", "junit"])
def test_golden(report: Report, output_format: str, snapshot: SnapshotAssertion) -> None:
    assert render(report, output_format) == snapshot


# -- GitHub -----------------------------------------------------------------------------------------------


def parse_commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As the runner reads them."""

    def plain(value: str) -> str:
        for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            value = value.replace(code, character)
        return value

    commands = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
        assert match, line
        pairs = (pair.split("=", 1) for pair in match[2].split(","))
        commands.append((match[1], {key: plain(value) for key, value in pairs}, plain(match[3])))
    return commands


def test_commands_say_where(report: Report) -> None:
    commands = parse_commands(render(report, "github"))
    assert [name for name, _, _ in commands] == ["error", "error", "notice", "warning", "warning"]
    assert commands[3][1] == {
        "file": "net.py",
        "line": "4",
        "col": "16",
        "endColumn": "25",
        "title": "SKL205 degenerate-skip",
    }
    assert commands[3][2].count("\n") == 3


def test_a_range_of_several_lines_has_no_columns(report: Report) -> None:
    """GitHub refuses columns unless a range begins and ends in the same line."""
    place = Location("net.py", 2, 5, end_line=4, end_column=9)
    finding = replace(report.findings[2], location=place)
    ((_, properties, _),) = parse_commands(
        render(structs.replace(report, models=(), findings=(finding,)), "github")
    )
    assert {"line": "2", "endLine": "4"}.items() <= properties.items()
    assert not {"col", "endColumn"} & set(properties)


def test_characters_with_a_meaning_come_through(report: Report) -> None:
    message = "100% of a:b,\r\n::error::second line"
    finding = replace(
        report.findings[2], message=message, location=Location("a,b:c%2C.py", 4), suggestion=None
    )
    ((name, properties, text),) = parse_commands(
        render(
            structs.replace(report, models=(), findings=(replace(finding, shapes=(), node=None),)), "github"
        )
    )
    assert (name, properties["file"], text) == ("warning", "a,b:c%2C.py", message)


# -- GitLab -----------------------------------------------------------------------------------------------


def test_code_quality_is_as_documented(report: Report) -> None:
    for each in (report, Report("0")):
        jsonschema.validate(json.loads(render(each, "gitlab")), CODE_QUALITY)


def test_code_quality_has_no_fingerprint_twice(report: Report) -> None:
    again = structs.replace(report, findings=(*report.findings, *report.findings[1:3]))
    marks = [issue["fingerprint"] for issue in json.loads(render(again, "gitlab"))]
    assert len(set(marks)) == len(marks) == 5


def test_nothing_is_lost_for_want_of_a_file(report: Report) -> None:
    issues: list[dict[str, Any]] = json.loads(render(report, "gitlab"))
    assert [(issue["check_name"], issue["location"]["path"]) for issue in issues[:2]] == [
        ("model-failed", "."),
        ("SKL002 rule-failed", "."),
    ]


# -- JUnit ------------------------------------------------------------------------------------------------


def read_junit(report: Report) -> junitparser.JUnitXml:
    """As a reader that knows nothing of skiplint reads it."""
    read: junitparser.JUnitXml = junitparser.JUnitXml.fromstring(render(report, "junit").encode())
    return read


def test_cases_have_the_result_of_their_model(report: Report) -> None:
    cases = {case.name: case for suite in read_junit(report) for case in suite}
    assert {name: [type(each).__name__ for each in case.result] for name, case in cases.items()} == {
        "net.py:Net": ["Failure"],
        "net.py:Head": ["Failure", "Skipped"],
        "gone.py": ["Error"],
        "skiplint": ["Error"],
    }
    assert "help: join the branch's output" in cases["net.py:Net"].system_out
    assert "info[SKL305 plain-depth]" in cases["net.py:Net"].system_out


def test_counts_are_those_of_the_cases(report: Report) -> None:
    junit = read_junit(report)
    assert (junit.tests, junit.failures, junit.errors, junit.skipped) == (4, 2, 2, 1)
    for suite in junit:
        stated = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()
        assert stated[0] == suite.tests


def test_info_fails_nothing(report: Report) -> None:
    mild = tuple(replace(finding, severity=Severity.INFO) for finding in report.findings[1:])
    junit = read_junit(structs.replace(report, models=report.models[:1], findings=mild))
    assert (junit.failures, junit.errors) == (0, 0)


def test_xml_holds_any_text(report: Report) -> None:
    finding = replace(report.findings[2], message='a < b & "c" \x00\x1b[31m ]]> \ud800 é')
    ET.fromstring(render(structs.replace(report, findings=(finding,)), "junit").encode())


def test_a_class_name_folds_as_folders_do() -> None:
    model = ModelReport(target="src/nets/unet.py:UNet", name="UNet", path="src/nets/unet.py", status="traced")
    text = render(Report("0", (model,)), "junit")
    assert 'classname="src.nets.unet"' in text
    assert 'file="src/nets/unet.py"' in text


def test_the_source_is_read_where_it_is(report: Report) -> None:
    Path("net.py").unlink()
    for output_format in ("sarif", "gitlab", "markdown"):
        assert render(report, output_format)


def test_a_partial_run_fails_in_ci(report: Report) -> None:
    """What lacks models must not pass for a whole run, whoever reads it."""
    whole = structs.replace(report, models=(report.models[0],), findings=())
    partial = structs.replace(whole, interruption=Interruption(15, 1, 3, "file"))
    said = "the run was interrupted after 1 of 3 files"
    assert render(partial, "github") == f"::error title=skiplint::{said}\n"
    assert f"**Partial:** {said}." in render(partial, "markdown")
    xml = ET.fromstring(render(partial, "junit"))
    assert (xml.get("tests"), xml.get("errors")) == ("2", "1")
    assert [error.get("message") for error in xml.iter("error")] == [said]
    assert render(whole, "github") == ""
    assert ET.fromstring(render(whole, "junit")).get("errors") == "0"
