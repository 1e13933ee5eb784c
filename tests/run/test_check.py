"""The one function that runs everything, as Python programs call it."""

from __future__ import annotations

from pathlib import Path

from skiplint.analysis.analysis import Analysis
from skiplint.reporting.report import ModelReport
from skiplint.run.check import check
from skiplint.run.outcome import Outcome, untraced
from skiplint.run.request import Request

NET = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        return x + self.fc(x)
"""


def test_own_outcomes_of_other_texts(in_tmp_path: Path) -> None:
    """Where the caller says what to do with each model, texts in place of files count too."""
    path = in_tmp_path / "net.py"
    path.write_text(NET)
    seen: list[int] = []

    def keep(analysis: Analysis, report: ModelReport) -> Outcome:
        seen.append(len(analysis.skips))
        return untraced(report)

    check(Request(["net.py"]), make=keep)
    other = NET.replace("x + self.fc(x)", "x + self.fc(x + self.fc(x))")
    check(Request(["net.py"], texts={str(path): other}), make=keep)
    assert seen == [1, 2]


def test_what_a_model_was_built_with(in_tmp_path: Path) -> None:
    (in_tmp_path / "net.py").write_text(NET)
    (default,) = check(Request(["net.py"])).models
    (given,) = check(Request(["net.py:Net"], kwargs={"width": 6})).models
    assert default.built_with is not None
    assert (default.built_with.source, default.built_with.kwargs) == ("defaults", {})
    assert given.built_with is not None
    assert (given.built_with.source, given.built_with.kwargs) == ("configuration", {"width": 6})
    assert given.built_with.place == "the command line"
