"""A baseline holds known findings, finds them again when lines move, and says what is gone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from skiplint import Finding, Location, Severity
from skiplint.reporting.baseline import (
    BaselineError,
    apply_baseline,
    baseline_of,
    read_baseline,
    render_baseline,
)
from skiplint.reporting.report import ModelReport, Report

SOURCE = ["def forward(self, x):", "    y = self.conv(x)", "    return y + y", ""]


def finding(line: int = 3, node: str = "add", code: str = "SKL205", path: str = "net.py") -> Finding:
    place = Location(path, line, 12)
    return Finding(
        code=code,
        name="a-rule",
        severity=Severity.WARNING,
        message="m",
        location=place,
        model=f"{path}:Net",
        node=node,
    )


def report(*findings: Finding, models: tuple[str, ...] = ("net.py:Net",)) -> Report:
    traced = tuple(ModelReport(target=name, name="Net", status="traced") for name in models)
    return Report("0", traced, findings)


@pytest.fixture
def source(in_tmp_path: Path) -> Path:
    path = in_tmp_path / "net.py"
    path.write_text("\n".join(SOURCE))
    return path


def left(old: Report, new: Report, ran: frozenset[str] = frozenset({"SKL205"})) -> Report:
    """``new`` with ``old`` as its baseline; it is written and read as a file in between."""
    path = Path("baseline.json")
    if not path.exists():
        path.write_text(render_baseline(baseline_of(old, path.parent)))
    return apply_baseline(new, read_baseline(path), path, ran)


def test_what_is_known_is_not_reported(source: Path) -> None:
    rest = left(report(finding()), report(finding()))
    assert rest.findings == ()
    assert rest.notes == ("1 finding is in baseline.json and not shown",)


def test_the_file_is_sorted_and_has_no_line_numbers(source: Path) -> None:
    first, second = finding(node="b/add"), finding(node="a/add")
    text = render_baseline(baseline_of(report(first, second, second), Path()))
    assert text == render_baseline(baseline_of(report(second, first, second), Path()))
    assert text.index("a/add") < text.index("b/add")
    assert '"count": 2' in text
    assert '"source": "return y + y"' in text
    assert '"line' not in text


def test_lines_may_move(source: Path) -> None:
    old = report(finding(line=3))
    left(old, old)
    source.write_text("\n".join(["# a new line", "", *SOURCE]))
    assert left(old, report(finding(line=5))).findings == ()


def test_the_operation_may_get_another_number(source: Path) -> None:
    assert left(report(finding(node="add")), report(finding(node="add_3"))).findings == ()


def test_the_line_may_be_edited(source: Path) -> None:
    old = report(finding())
    left(old, old)
    source.write_text("\n".join(SOURCE).replace("return y + y", "return torch.relu(y + y)"))
    assert left(old, old).findings == ()


def test_another_place_is_new(source: Path) -> None:
    new = finding(line=2, node="conv")
    assert left(report(finding()), report(finding(), new)).findings == (new,)


def test_another_rule_at_the_same_place_is_new(source: Path) -> None:
    new = finding(code="SKL301")
    assert left(report(finding()), report(new)).findings == (new,)


def test_one_more_of_the_same_is_new(source: Path) -> None:
    rest = left(report(finding(), finding()), report(finding(), finding(), finding()))
    assert len(rest.findings) == 1


def test_an_exact_match_goes_before_a_similar_one(source: Path) -> None:
    """Two operations in one line: the known one is not taken for the new one."""
    known, new = finding(node="add_1"), finding(node="add")
    assert left(report(known), report(new, known)).findings == (new,)


def test_what_is_gone_is_said(source: Path) -> None:
    rest = left(report(finding(), finding(line=2, node="conv")), report())
    assert rest.notes == (
        "2 findings are in baseline.json and no longer found; write it anew with --write-baseline",
    )


def test_what_was_not_looked_at_is_not_gone(source: Path) -> None:
    assert left(report(finding()), report(models=("other.py:Net",))).notes == ()
    assert left(report(finding()), report(), ran={"SKL301"}).notes == ()


def test_a_rule_that_failed_is_never_known(source: Path) -> None:
    failed = dataclasses.replace(finding(), code="SKL002")
    assert left(report(failed), report(failed)).findings == (failed,)


def test_paths_are_as_seen_from_the_file(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A baseline in the project's root holds from any working directory."""
    root = source.parent
    nets = root / "nets"
    nets.mkdir()
    source.rename(nets / "net.py")
    path = root / "baseline.json"
    path.write_text(render_baseline(baseline_of(report(finding(path="nets/net.py")), root)))
    assert '"model": "nets/net.py:Net"' in path.read_text()
    monkeypatch.chdir(nets)
    rest = apply_baseline(report(finding()), read_baseline(path), path, {"SKL205"})
    assert rest.findings == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "baseline b.json does not exist; write it with --write-baseline b.json"),
        ("", "baseline b.json is not a baseline (Input data was truncated); write it"),
        ("[]", "baseline b.json is not a baseline (Expected `object`, got `array`); write it"),
        ('{"version": 1, "findings": [{"path": 3}]}', "`$.findings[0].path`"),
        ('{"version": 9}', "baseline b.json has version 9, this skiplint knows 1; write it"),
    ],
)
def test_a_bad_file(in_tmp_path: Path, text: str | None, message: str) -> None:
    path = Path("b.json")
    if text is not None:
        path.write_text(text)
    with pytest.raises(BaselineError) as caught:
        read_baseline(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
