"""``import skiplint``: quick to import, and all of it there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import skiplint


class Block(nn.Module):
    """A residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor, *, scale: float = 1.0) -> Tensor:
        return x + self.fc(x)


class Doubled(Block):
    """A block with a fault."""

    def forward(self, x: Tensor, *, scale: float = 1.0) -> Tensor:
        out = self.fc(x)
        return out + out  # the fault


def test_importing_skiplint_imports_little() -> None:
    code = "import skiplint, sys; assert not {'torch', 'networkx', 'rich', 'typer'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", skiplint.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(skiplint, name) is not None
    assert name in dir(skiplint)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        skiplint.no_such_name


def test_trace() -> None:
    graph = skiplint.trace(Block(), torch.randn(1, 4))
    assert isinstance(graph, skiplint.ModelGraph)
    assert graph.count()["add"] == 1


def test_analyze_computes_each_analysis_once() -> None:
    analysis = skiplint.analyze(Block(), torch.randn(1, 4))
    assert [skip.kind for skip in analysis.skips] == ["additive"]
    assert analysis.skips is analysis.skips


def test_lint_a_good_model() -> None:
    report = skiplint.lint(Block(), torch.randn(1, 4), scale=2.0)
    assert report.findings == ()
    (model,) = report.models
    assert (model.name, model.status, len(model.skips)) == ("Block", "traced", 1)
    assert model.path == "tests/test_api.py"


def test_lint_a_bad_model() -> None:
    (finding,) = skiplint.lint(Doubled(), torch.randn(1, 4)).findings
    assert isinstance(finding, skiplint.Finding)
    assert finding.severity is skiplint.Severity.WARNING
    assert finding.location is not None
    line = Path(__file__).read_text(encoding="utf-8").splitlines()[finding.location.line - 1]
    assert "# the fault" in line


def test_lint_with_settings() -> None:
    settings = skiplint.Settings(ignore=("SKL205",))
    assert skiplint.lint(Doubled(), torch.randn(1, 4), settings=settings).findings == ()


def test_lint_leaves_the_model_as_it_was() -> None:
    model = Block()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    skiplint.lint(model, torch.randn(1, 4))
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
