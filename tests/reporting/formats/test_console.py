"""The report for people: golden files, and what they cannot show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from skiplint.reporting.formats import render
from skiplint.reporting.formats.console import render as render_rest
from skiplint.reporting.formats.console import render_model
from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import Interruption, ModelReport, Report


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_golden(report: Report, verbosity: int, snapshot: SnapshotAssertion) -> None:
    assert render(report, "console", Style(verbosity=verbosity)) == snapshot


def test_golden_narrow_and_coloured(report: Report, snapshot: SnapshotAssertion) -> None:
    assert render(report, "console", Style(color=True, width=60)) == snapshot


@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_keep_to_the_width_and_have_no_spaces_at_the_end(report: Report, width: int) -> None:
    lines = render(report, "console", Style(width=width)).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_without_colour_there_are_no_escapes(report: Report) -> None:
    assert "\x1b" not in render(report, "console")


def test_square_brackets_are_text_and_no_markup(report: Report) -> None:
    finding = replace(report.findings[0], message="x[0] + [bold]y[/bold]")
    assert "x[0] + [bold]y[/bold]" in render(structs.replace(report, findings=(finding,)), "console")


def test_what_is_said_on_stderr_is_not_said_twice(report: Report) -> None:
    assert "gone.py: no such file" in render(report, "console")
    assert "gone.py: no such file" not in render(report, "console", Style(failures=False))


def test_nothing_to_say() -> None:
    assert render(Report("0"), "console") == ""


def test_a_run_that_traced_nothing_is_not_praised() -> None:
    report = Report("0", (ModelReport(target="t", name="t", status="skipped", reason="r"),))
    assert "nothing was linted" in render(report, "console")
    assert "no findings" not in render(report, "console")


def test_a_model_without_skips_and_findings(report: Report) -> None:
    model = structs.replace(report.models[0], skips=(), memory=None, paths=None)
    text = render(structs.replace(report, models=(model,), findings=()), "console")
    assert "skips       none" in text
    assert "memory" not in text
    assert text.endswith("1 model traced; no findings\n")


def test_where_inputs_are_from_is_said_once(report: Report) -> None:
    (x, *_), model = report.models[0].inputs, report.models[0]
    alike = structs.replace(model, inputs=(x, structs.replace(x, name="y", shape=(1,))))
    text = render(structs.replace(report, models=(alike,), findings=()), "console", Style())
    assert [line.rstrip() for line in text.splitlines()[2:4]] == [
        "  inputs        x  float32 [1, 3, 224, 224]",
        "                y  float32 [1]  (inferred: conv1 takes 3 channels)",
    ]


def test_models_one_by_one_give_the_same_as_all_at_once(report: Report) -> None:
    for style in (Style(), Style(failures=False), Style(verbosity=-1), Style(verbosity=1)):
        first = "".join(render_model(model, style) for model in report.models[:2])
        assert first + render_rest(report, style, printed=2) == render(report, "console", style)


def test_a_partial_report_says_so_last(report: Report) -> None:
    partial = structs.replace(report, interruption=Interruption(2, 12, 85, "file"))
    text = render(partial, "console", Style(width=200))
    assert text.endswith("; partial: interrupted after 12 of 85 files\n")
    empty = Report("0", interruption=Interruption(15, 0, 0, "model"))
    assert "partial: interrupted before the first model\n" in render(empty, "console")
