"""What results look like when they are printed, at a prompt and in a notebook."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from msgspec import structs
from torch import Tensor, nn

import skiplint
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.contract import Axis, AxisContract, Contract, Failure, Sizes
from skiplint.reporting.report import Report
from tests.reporting.conftest import report

__all__ = ["report"]
NAMES = ("analysis", "graph", "paths", "memory", "skip")


class Block(nn.Module):
    """A residual block: two paths, around and through one layer of 20 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fc(x)


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return skiplint.analyze(Block(), torch.zeros(1, 4))


def shown(analysis: Analysis, name: str) -> object:
    """One of the results of an analysis."""
    return analysis if name == "analysis" else getattr(analysis, name, None) or analysis.skips[0]


def test_an_analysis(analysis: Analysis) -> None:
    text = re.sub(r"in \d+\.\d\d s", "in S s", str(analysis))
    assert text.splitlines() == [
        "Block",
        "  inputs        x  float32 [1, 4]",
        "  parameters    20",
        "  trace         2 operations on meta in S s",
        "  calls         1 linear, 1 add",
        "  skips         1 additive (1 identity)",
        "  path lengths  0 to 1 weighted layers, mean 0.5, over 2 paths",
        "  spread        0.50 weighted layers (standard deviation)",
        "  in blocks     0 to 1 residual blocks, mean 0.5, over 2 paths",
        # The layer's result and the sum, 16 bytes each; the layer keeps its input.
        "  memory        32 B peak in inference, 16 B saved for backward",
        "  in addition   80 B of parameters and buffers, 16 B of inputs",
    ]


def test_its_parts(analysis: Analysis) -> None:
    assert str(analysis.graph).splitlines()[:2] == ["Block", "  inputs      x  float32 [1, 4]"]
    assert str(analysis.paths).splitlines()[0] == "Paths of Block"
    assert str(analysis.memory).splitlines()[0] == "Memory of Block"
    assert str(analysis.skips[0]).splitlines() == [
        "additive skip, identity",
        "  fork     output 0 of graph.operations[0]",
        f"  join     graph.operations[{analysis.graph.by_id['add'].index}], of 2 operands",
        "  span     1 weighted layer",
        "  carries  nothing",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_repr_is_one_short_line(analysis: Analysis, name: str) -> None:
    text = repr(shown(analysis, name))
    assert len(text) < 200
    assert "\n" not in text
    assert text.startswith(("Analysis(", "ModelGraph(", "Paths(", "Memory(", "Skip("))


@pytest.mark.parametrize("name", NAMES)
def test_html_escapes_what_comes_from_the_user(analysis: Analysis, name: str) -> None:
    graph = replace(analysis.graph, name="<script>", fx_builder=analysis.graph.fx_builder)
    html = shown(Analysis(graph, analysis.subject), name)._repr_html_()  # type: ignore[attr-defined]
    assert "<script>" not in html
    assert html.startswith("<p><strong>")


def test_a_graph_from_another_process_has_no_memory(analysis: Analysis) -> None:
    graph = replace(analysis.graph, fx_builder=None)
    assert "not known" in str(Analysis(graph).memory)


def test_gradients(analysis: Analysis) -> None:
    """Printing measures nothing; what has been measured is printed."""
    gradients = analysis.gradients
    assert repr(gradients) == "Gradients('Block')"
    assert str(gradients).splitlines() == [
        "Gradients of Block",
        "  effective  not measured yet; .effective runs a forward and a backward on the real weights",
    ]
    first, lengths, *rest = str(gradients.effective).splitlines()
    assert first == "Effective path lengths of Block"
    assert re.fullmatch(r"  in layers  mean 0\.\d\d, standard deviation 0\.\d\d", lengths)
    assert rest[-1] == "  mode       training"
    assert str(gradients).splitlines()[1:] == [lengths, *rest]


def test_a_contract() -> None:
    axes = tuple(AxisContract(Axis(name, 64, ((0, 2),)), Sizes(modulus=32)) for name in ("height", "width"))
    failure = Failure((33, 64), ((1, 3, 33, 64),), "join", "cat cannot combine 32 and 33")
    assert str(Contract(axes, failures=(failure,), probes=12)).splitlines() == [
        "Sizes that the inputs may have",
        "  sizes       height and width must be multiples of 32",
        "  refused     [1, 3, 33, 64]: cat cannot combine 32 and 33",
        "  checked by  12 forwards",
    ]


def test_a_report(report: Report) -> None:
    lines = str(report).splitlines()
    assert lines[0] == "Net  net.py:1"
    assert "  parameters    7,978,856" in lines
    assert "  failed: gone.py: no such file" in lines
    assert "net.py:3: info[SKL305 plain-depth] 24 weighted layers in a row" in lines
    assert lines[-1] == "1 model traced, 1 skipped, 1 failed; 9 findings"
    assert repr(report) == "Report(3 models, 9 findings)"


def test_a_long_report_counts_what_it_leaves_out(report: Report) -> None:
    skipped = structs.replace(report.models[0], status="skipped", reason=None)
    found = [replace(report.findings[0], code=f"X{n}", message=str(n)) for n in range(12)]
    long = structs.replace(report, models=[skipped] * 11, findings=found, notes=["a note"])
    lines = str(long).splitlines()
    assert lines[1] == "  skipped"
    assert "… and 1 more model" in lines
    assert lines[-3:-1] == ["… and 2 more findings", "a note"]
