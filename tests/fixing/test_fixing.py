"""A fix counts only if the model, linted again with it, no longer has the finding and nothing worse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from skiplint.analysis.faults.remedy import ArgumentEdit, Remedy
from skiplint.fixing.fixing import fix
from skiplint.graph import Location
from skiplint.linting.finding import Finding, Severity
from skiplint.reporting.report import ModelReport, Report

SOURCE = "a = nn.ReLU(inplace=True)\nb = nn.ReLU(inplace=True)\n"
FIXED = SOURCE.replace("True", "False")


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "model.py"
    file.write_text(SOURCE)
    return str(file)


def finding(path: str, line: int, *, safe: bool = True, severity: Severity = Severity.ERROR) -> Finding:
    edit = ArgumentEdit(location=Location(path, line, 5), callee="ReLU", argument="inplace", value="False")
    return Finding(
        code="SKL201",
        name="mutated-skip-source",
        severity=severity,
        message="",
        model="model.py:net",
        node=f"add_{line}",
        fix=Remedy(
            kind="module-argument",
            target="act",
            argument="inplace",
            old=True,
            new=False,
            description="",
            safe=safe,
            edits=(edit,),
        ),
    )


def report(*findings: Finding, status: str = "traced") -> Report:
    model = ModelReport(target="model.py:net", name="net", status=status)
    return Report("0", (model,), findings)


def test_all_fixes_that_hold_are_tried_at_once(path: str) -> None:
    trials: list[Mapping[str, str]] = []

    def tries(texts: Mapping[str, str]) -> Report:
        trials.append(texts)
        return report()

    result = fix(report(finding(path, 1), finding(path, 2)), tries)
    assert result.texts == {path: (SOURCE, FIXED)}
    assert len(result.made) == 2
    assert result.report.findings == ()
    assert len(trials) == 1
    assert Path(path).read_text() == SOURCE, "nothing is written by trying"


def test_a_fix_that_does_not_help_is_given_up_and_the_other_is_made(path: str) -> None:
    stubborn = finding(path, 2)

    def tries(texts: Mapping[str, str]) -> Report:
        first = texts[path].splitlines()[0]
        return report(stubborn) if "False" in first else report(finding(path, 1), stubborn)

    result = fix(report(finding(path, 1), stubborn), tries)
    assert result.made == (finding(path, 1),)
    assert result.refused == ((stubborn, "the finding is still there after it"),)
    assert result.texts[path][1] == "a = nn.ReLU(inplace=False)\nb = nn.ReLU(inplace=True)\n"


def test_a_fix_after_which_the_model_does_not_run_is_given_up(path: str) -> None:
    result = fix(report(finding(path, 1)), lambda _: report(status="failed"))
    assert result.texts == {}
    assert result.refused == ((finding(path, 1), "model.py:net does not run after it"),)


def test_a_fix_that_brings_up_another_error_is_given_up(path: str) -> None:
    other = Finding(code="SKL202", name="dead-branch", severity=Severity.ERROR, message="")
    result = fix(report(finding(path, 1)), lambda _: report(other))
    assert result.refused == ((finding(path, 1), "SKL202 comes up after it"),)


def test_a_warning_that_a_fix_brings_to_light_is_fixed_too(path: str) -> None:
    def tries(texts: Mapping[str, str]) -> Report:
        return report() if texts[path] == FIXED else report(finding(path, 2, severity=Severity.WARNING))

    result = fix(report(finding(path, 1)), tries)
    assert [each.node for each in result.made] == ["add_1", "add_2"]
    assert result.texts == {path: (SOURCE, FIXED)}


def test_unsafe_fixes_are_made_only_when_asked_for(path: str) -> None:
    doubtful = report(finding(path, 1, safe=False))
    assert fix(doubtful, lambda _: report()).made == ()
    assert len(fix(doubtful, lambda _: report(), unsafe=True).made) == 1


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_bytes(b"# caf\xe9\na = nn.ReLU(inplace=True)\n")
    result = fix(report(finding(str(path), 2)), lambda _: report())
    assert result.made == ()
    assert "encoding declaration" in result.refused[0][1]
