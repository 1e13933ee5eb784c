"""``skiplint paths`` as users run it, and what it draws."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import comb
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import jsonschema
import pytest
from msgspec import structs

from skiplint.reporting import describe_paths
from skiplint.reporting.formats.console_paths import histogram_bins, path_tables
from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import ModelReport, Report
from skiplint.reporting.sections import LengthsReport
from tests.reporting.conftest import lengths, paths_of

Run = Callable[..., CompletedProcess[str]]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
MODEL = """\
import torch
from torch import nn


class Stack(nn.Module):
    def __init__(self, blocks=6):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(blocks))

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return x


class TwoIn(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, left: torch.Tensor, right: torch.Tensor):
        return self.fc(left) + right


model = TwoIn()
example_inputs = (torch.zeros(1, 4), torch.zeros(1, 4))
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(MODEL)
    return tmp_path


def test_console(net: Path, skiplint: Run) -> None:
    done = skiplint("paths", "net.py:Stack")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Stack  net.py:5"
    assert "layers     64         0  3.00  1.22   1    2    3    4    5        6" in done.stdout
    assert lines[7].split() == ["blocks", "share"]
    rows = [line.split() for line in lines[9:16]]
    assert [row[:2] for row in rows] == [[str(k), f"{100 * comb(6, k) / 64:.2f}%"] for k in range(7)]
    assert max(rows, key=lambda row: len(row[2]))[0] == "3"


def test_unit_and_verbose(net: Path, skiplint: Run) -> None:
    done = skiplint("paths", "net.py:Stack", "--unit", "layers", "--verbose")
    assert done.returncode == 0
    assert done.stdout.splitlines()[7].split() == ["layers", "share"]
    assert "blocks.0           32  50.00%       0 layers" in done.stdout
    assert "add_5             32           50.00%     50.00%" in done.stdout


def test_json(net: Path, skiplint: Run) -> None:
    done = skiplint("paths", "net.py:Stack", "--output-format", "json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    paths = report["models"][0]["paths"]
    histogram = {str(k): str(comb(6, k)) for k in range(7)}
    for unit, found in (("layers", paths), ("blocks", paths["blocks"])):
        assert (found["unit"], found["count"], found["effective"]) == (unit, "64", None)
        assert (found["min"], found["mean"], found["max"]) == (0, 3.0, 6)
        assert found["histogram"] == histogram
        assert found["percentiles"] == {"5": 1, "25": 2, "50": 3, "75": 4, "95": 5}
    assert paths["pairs"] == []
    assert paths["layers"][0] == {"node": "blocks.0", "count": "32", "share": 0.5, "distance": 0}
    assert paths["skips"][0] == {"join_node": "add", "count": "32", "share": 0.5, "block_share": 0.5}
    assert report["findings"] == []


def test_the_report_of_check_has_the_same(net: Path, skiplint: Run) -> None:
    reports = [
        json.loads(skiplint(command, "net.py:Stack", "--output-format", "json").stdout)
        for command in ("paths", "check")
    ]
    assert reports[0]["models"][0]["paths"] == reports[1]["models"][0]["paths"]


def test_pairs(net: Path, skiplint: Run) -> None:
    words = ("paths", "net.py:model")
    report = json.loads(skiplint(*words, "--output-format", "json").stdout)
    jsonschema.validate(report, SCHEMA)
    pairs = report["models"][0]["paths"]["pairs"]
    found = {(pair["input"], pair["output"]): pair["layers"]["histogram"] for pair in pairs}
    assert found == {("left", "output"): {"1": "1"}, ("right", "output"): {"0": "1"}}
    assert "left to output" in skiplint(*words).stdout


def test_a_target_that_is_not_there(skiplint: Run) -> None:
    done = skiplint("paths", "gone.py")
    assert done.returncode == 2
    assert "gone.py" in done.stderr
    assert done.stdout == ""


# -- what is drawn ---------------------------------------------------------------------------------------


def table(paths: LengthsReport | None, **style: Any) -> str:
    found = None if paths is None else paths_of(paths)
    model = ModelReport(target="n", name="Net", status="traced", paths=found)
    return path_tables(Report("0", (model,)), Style(**style))


def test_bins_keep_to_the_lengths_that_can_occur() -> None:
    even = {2 * k: str(comb(40, k)) for k in range(41)}
    bins = histogram_bins(even, 30)
    assert [each.high - each.low for each in bins[1:-1]] == [0] * (len(bins) - 2)
    assert all(each.low % 2 == each.high % 2 == 0 for each in bins)
    assert (bins[0].low, bins[-1].high) == (0, 80)
    assert sum(each.share for each in bins) == pytest.approx(1)


def test_bins_of_many_lengths() -> None:
    flat = dict.fromkeys(range(1000), "1")
    bins = histogram_bins(flat, 30)
    assert len(bins) <= 32
    assert [after.low for after in bins[1:]] == [before.high + 1 for before in bins[:-1]]
    assert histogram_bins({5: "3"}, 30) == [(5, 5, 1.0, 0.0)]


def test_numbers_that_int_would_refuse() -> None:
    huge = "1" + "0" * 5000
    text = table(structs.replace(lengths({1: huge, 2: huge}, mean=1.5), count="2" + "0" * 5000))
    assert "2.0e5000" in text
    assert text.count("50.00%") == 2


def test_nothing_to_draw() -> None:
    assert "no path from an input" in table(structs.replace(lengths({}, mean=0.0), count="0"))
    assert "too many paths" in table(None)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_keep_to_the_width(width: int) -> None:
    text = table(lengths({k: str(comb(9, k)) for k in range(10)}, mean=4.5), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_a_report_does_not_wait_for_numbers_that_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from skiplint import analyze

    monkeypatch.setattr(describe_paths, "MOST_BYTES", 0)
    net = torch.nn.Bilinear(2, 2, 2)
    analysis = analyze(net, torch.zeros(1, 2), torch.zeros(1, 2))
    assert describe_paths.describe_paths(analysis) is None
    assert analysis.paths.layers.count == 2
