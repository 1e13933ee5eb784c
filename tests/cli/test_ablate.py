"""``skiplint ablate`` and ``skiplint paths --gradients`` as users run them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import jsonschema
import pytest
from msgspec import structs

from skiplint.reporting.formats.console_ablation import ablation_tables
from skiplint.reporting.formats.console_paths import histogram_bins, path_tables
from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import ModelReport, Report
from skiplint.reporting.sections import (
    AblationReport,
    AblationRow,
    AblationSeed,
    AblationSpread,
    RowPaths,
)
from tests.reporting.conftest import lengths, paths_of

Run = Callable[..., CompletedProcess[str]]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
MODEL = """\
import torch
from torch import nn


class Stack(nn.Module):
    def __init__(self, blocks=4, head=False):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(6, 6) for _ in range(blocks))
        self.head = nn.Linear(6, 2) if head else nn.Identity()
        if head:
            nn.init.zeros_(self.head.weight)

    def forward(self, x):
        for block in self.blocks:
            x = x + torch.tanh(block(x))
        return self.head(x)


class Large(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1_000_000_000)

    def forward(self, x: torch.Tensor):
        return self.fc(x)


example_inputs = (torch.zeros(1, 6),)
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(MODEL)
    return tmp_path


def report_of(done: CompletedProcess[str]) -> dict[str, Any]:
    assert (done.returncode, done.stderr) == (0, "")
    report: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    (model,) = report["models"]
    found: dict[str, Any] = model
    return found


def test_paths_weighted_by_the_gradient(net: Path, skiplint: Run) -> None:
    model = report_of(skiplint("paths", "net.py:Stack", "--gradients", "--output-format", "json"))
    for found in (model["paths"], model["paths"]["blocks"]):
        effective = found["effective"]
        assert sum(effective["histogram"].values()) == pytest.approx(1)
        assert set(effective["histogram"]) == {"0", "1", "2", "3", "4"}
        assert 0 < effective["mean"] < found["mean"]  # these layers hand on less than they are given
        assert (effective["mode"], effective["woken"]) == ("training", [])
    shown = skiplint("paths", "net.py:Stack", "--gradients")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "blocks, by gradient" in shown.stdout
    assert ["blocks", "paths", "gradient"] in [line.split() for line in shown.stdout.splitlines()]


def test_a_head_of_zeros_is_named(net: Path, skiplint: Run) -> None:
    done = skiplint("paths", "net.py:Stack", "--kwargs", '{"head": true}', "--gradients")
    assert done.returncode == 0
    assert "small random numbers stood for zeros that let no gradient pass: head.weight" in done.stdout


@pytest.mark.parametrize("words", [("paths", "--gradients"), ("ablate",)])
def test_a_model_that_is_too_large(net: Path, skiplint: Run, words: tuple[str, ...]) -> None:
    done = skiplint(words[0], "net.py:Large", *words[1:])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "skiplint: error: net.py:Large: Large has no values in its weights, and 3,000,000,000 are too many\n"
    )


def test_ablation_as_json(net: Path, skiplint: Run) -> None:
    words = ("ablate", "net.py:Stack", "--seeds", "2", "--batch", "4", "--output-format", "json")
    model = report_of(skiplint(*words))
    found = model["ablation"]
    assert (found["batch"], found["mode"]) == (4, "training")
    assert [row["join_node"] for row in found["without_one"]] == [
        skip["join_node"] for skip in model["skips"]
    ]
    assert found["with_skips"]["paths"] == {"count": "16", "min": 0, "mean": 2.0, "max": 4}
    assert found["without_any"]["paths"] == {"count": "1", "min": 4, "mean": 4.0, "max": 4}
    assert [row["paths"]["count"] for row in found["without_one"]] == ["8"] * 4
    assert found["with_skips"]["gradient_change"] == 1
    assert 0 < found["without_any"]["gradient_change"] < 1
    assert [row["node"] for row in found["by_layer"]] == [f"blocks.{at}" for at in range(4)]
    assert len(found["seeds"]) == 2
    assert found["spread"]["without_any"] > 0
    assert report_of(skiplint(*words))["ablation"] == found


def test_ablation_at_the_terminal(net: Path, skiplint: Run) -> None:
    done = skiplint("ablate", "net.py:Stack", "--seeds", "2")
    assert (done.returncode, done.stderr) == (0, "")
    firsts = [line.split()[:1] for line in done.stdout.splitlines() if line.startswith("  ")]
    for name in ("nothing", "add", "all", "with", "without"):
        assert [name] in firsts
    assert "over 2 initialisations" in done.stdout
    every = skiplint("ablate", "net.py:Stack", "--seeds", "0", "--verbose").stdout
    assert sum(line.strip().startswith("add") for line in every.splitlines()) == 4
    assert "initialisation" not in every


def test_a_model_without_skips(tmp_path: Path, skiplint: Run) -> None:
    source = "import torch\nfrom torch import nn\n\nmodel = nn.Linear(3, 3)\n"
    (tmp_path / "plain.py").write_text(f"{source}example_inputs = (torch.zeros(1, 3),)\n")
    done = skiplint("ablate", "plain.py:model")
    assert done.returncode == 0
    assert "no skip to remove" in done.stdout


# -- what is drawn ---------------------------------------------------------------------------------------


def row(**more: Any) -> AblationRow:
    plain = AblationRow(
        first_gradient=1.5,
        last_gradient=1.5,
        gradient_change=1.5,
        profile=(1.0, 2.0),
        join_variance_change=1.5,
        output_variance=1.0,
        output_variance_change=1.0,
        information=0.5,
        paths=RowPaths(count="12345678", min=1, mean=2.0, max=3),
    )
    return structs.replace(plain, **more)


def ablation(**more: Any) -> AblationReport:
    rows = [row(join_node=f"layers.{at}/add", kind="additive", gradient_change=0.1 * at) for at in range(12)]
    plain = AblationReport(
        mode="training",
        batch=8,
        with_skips=row(),
        without_one=tuple(rows),
        without_any=row(),
        seeds=(),
        spread=AblationSpread(with_skips=None, without_any=None),
        by_layer=(),
    )
    return structs.replace(plain, **more)


def drawn(found: AblationReport, **style: Any) -> str:
    model = ModelReport(target="n", name="Net", status="traced", ablation=found)
    return ablation_tables(Report("0", (model,)), Style(**style))


def test_equal_rows_are_one() -> None:
    text = drawn(ablation())
    assert "layers.0/add …" in text
    assert "x0 … 1.1" in text
    assert "1.2e7" in text
    assert drawn(ablation(), verbosity=1).count("/add") == 12


def test_overflow_is_said() -> None:
    lost = row(first_gradient=None, gradient_change=None, profile=(None, 1.0))
    seed = AblationSeed(
        seed=0, first_gradient=1.0, first_gradient_without=None, information=None, information_without=None
    )
    text = drawn(ablation(without_any=lost, seeds=(seed,)))
    assert text.count("overflow") >= 3


@pytest.mark.parametrize("width", [60, 100, 200])
def test_lines_keep_to_the_width(width: int) -> None:
    assert max(map(len, drawn(ablation(), width=width).splitlines())) <= width


def test_bins_hold_both_distributions() -> None:
    paths = {k: "1000000" if 28 <= k <= 32 else "1" for k in range(61)}
    bins = histogram_bins(paths, 30, {3: 0.25, 4: 0.75})
    assert sum(each.effective for each in bins) == pytest.approx(1)
    assert sum(each.share for each in bins) == pytest.approx(1)
    assert bins[0].high < 3
    found = lengths(paths, mean=30.0, effective=9.0)
    model = ModelReport(target="n", name="Net", status="traced", paths=paths_of(found))
    for width in (40, 80, 200):
        text = path_tables(Report("0", (model,)), Style(width=width))
        assert max(map(len, text.splitlines())) <= width
