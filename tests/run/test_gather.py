"""A run as a whole: order, paths, per-file ignores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from skiplint.analysis.analysis import Analysis
from skiplint.linting.registry import LoadFailure, Registry
from skiplint.linting.selection import Selection
from skiplint.reporting.report import ModelReport
from skiplint.run.gather import Session

MakeAnalysis = Callable[..., Analysis]


def model(path: str = "net.py") -> ModelReport:
    return ModelReport(target=f"{path}:Net", name="Net", path=path, line=1, status="traced")


def test_paths_are_relative_below_the_working_directory(
    in_tmp_path: Path, registry: Registry, analysis_at: MakeAnalysis
) -> None:
    session = Session(registry, Selection(select=["TST201"]))
    session.add(
        analysis_at(str(in_tmp_path / "sub" / "net.py"), 4), model(str(in_tmp_path / "sub" / "net.py"))
    )
    session.add(analysis_at("/elsewhere/net.py", 4), model("/elsewhere/net.py"))
    report = session.finish("0")
    assert [item.path for item in report.models] == ["sub/net.py", "/elsewhere/net.py"]
    places = [finding.location for finding in report.findings]
    assert [place.path for place in places if place] == ["/elsewhere/net.py", "sub/net.py"]


def test_findings_are_in_the_order_of_the_source(registry: Registry, analysis_at: MakeAnalysis) -> None:
    session = Session(registry, Selection(select=["TST201"]))
    session.add(analysis_at("b.py", 9, 3), model("b.py"))
    session.add(analysis_at("a.py", 5), model("a.py"))
    lines = [finding.location and finding.location.line for finding in session.finish("0").findings]
    assert lines == [5, 3, 9]


def test_per_file_ignores(in_tmp_path: Path, registry: Registry, analysis_at: MakeAnalysis) -> None:
    session = Session(registry, Selection(select=["TST201"], per_file_ignores={"old/*": ["TST"]}))
    session.add(analysis_at("old/net.py", 1), model())
    session.add(analysis_at("new/net.py", 1), model())
    assert [finding.location and finding.location.path for finding in session.finish("0").findings] == [
        "new/net.py"
    ]


@pytest.mark.parametrize(
    ("status", "failures", "broken"),
    [
        ("traced", (), False),
        ("skipped", (), False),
        ("failed", (), True),
        ("traced", (LoadFailure("x", "y"),), True),
    ],
)
def test_a_run_is_broken_when_something_could_not_be_done(
    registry: Registry, status: str, failures: tuple[LoadFailure, ...], broken: bool
) -> None:
    session = Session(Registry(registry.rules, failures))
    session.add_untraced(ModelReport(target="t", name="t", status=status))  # type: ignore[arg-type]
    assert session.finish("0").broken is broken
