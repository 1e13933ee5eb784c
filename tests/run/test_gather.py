"""A report as it is put together: order, paths, per-file ignores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from skiplint.analysis.analysis import Analysis
from skiplint.linting.registry import LoadFailure, Registry
from skiplint.reporting.report import ModelReport
from skiplint.run.gather import Gathering
from skiplint.run.outcome import outcome_of, untraced
from skiplint.settings.settings import Settings

MakeAnalysis = Callable[..., Analysis]


def model(path: str = "net.py") -> ModelReport:
    return ModelReport(target=f"{path}:Net", name="Net", path=path, line=1, status="traced")


def test_paths_are_relative_below_the_working_directory(
    in_tmp_path: Path, registry: Registry, analysis_at: MakeAnalysis
) -> None:
    gathering = Gathering(registry, Settings(select=("TST201",)))
    for path in (str(in_tmp_path / "sub" / "net.py"), "/elsewhere/net.py"):
        gathering.add(outcome_of(analysis_at(path, 4), model(path), gathering.rules))
    report = gathering.report()
    assert [item.path for item in report.models] == ["sub/net.py", "/elsewhere/net.py"]
    places = [finding.location for finding in report.findings]
    assert [place.path for place in places if place] == ["/elsewhere/net.py", "sub/net.py"]


def test_findings_are_in_the_order_of_the_source(registry: Registry, analysis_at: MakeAnalysis) -> None:
    gathering = Gathering(registry, Settings(select=("TST201",)))
    for path, lines in (("b.py", (9, 3)), ("a.py", (5,))):
        gathering.add(outcome_of(analysis_at(path, *lines), model(path), gathering.rules))
    found = [finding.location and finding.location.line for finding in gathering.report().findings]
    assert found == [5, 3, 9]


def test_per_file_ignores(in_tmp_path: Path, registry: Registry, analysis_at: MakeAnalysis) -> None:
    settings = Settings(select=("TST201",), per_file_ignores={"old/*": ("TST",)})
    gathering = Gathering(registry, settings)
    for path in ("old/net.py", "new/net.py"):
        gathering.add(outcome_of(analysis_at(path, 1), model(), gathering.rules))
    found = [finding.location and finding.location.path for finding in gathering.report().findings]
    assert found == ["new/net.py"]


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
    gathering = Gathering(Registry(registry.rules, failures), Settings())
    gathering.add(untraced(ModelReport(target="t", name="t", status=status)))  # type: ignore[arg-type]
    assert gathering.report().broken is broken
