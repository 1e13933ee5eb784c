"""Reports made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from skiplint import Finding, Location, Severity
from skiplint.reporting.model_report import BuiltWithReport
from skiplint.reporting.record import LocationReport
from skiplint.reporting.report import InputReport, ModelReport, Report, SkipReport, TraceReport
from skiplint.reporting.sections import (
    EffectiveReport,
    LengthsReport,
    MemoryReport,
    PathsReport,
)

SOURCE = """\
class Block(Module):
    def forward(self, x):
\tout = self.conv(x)
        return out + out
"""


def skip(join: str, **changes: object) -> SkipReport:
    plain = SkipReport(
        kind="additive",
        shortcut="identity",
        fork="maxpool",
        join=join,
        join_op="add_",
        span=2,
        long=False,
        scale=None,
        connections=1,
        location=LocationReport(path="net.py", line=4, column=16, end_line=4, end_column=25),
        shapes=((1, 64, 56, 56), (1, 64, 56, 56)),
        bytes=802816,
        carries=(),
        fork_node="maxpool",
        join_node=f"{join}/add_",
        fork_index=3,
        join_index=9,
    )
    return structs.replace(plain, **changes)


def lengths(histogram: dict[int, str], *, mean: float, effective: float | None = None) -> LengthsReport:
    """Paths in unit layers; with ``effective`` all of the gradient goes over paths of one length."""
    return LengthsReport(
        unit="layers",
        count=str(2**54),
        histogram=histogram,
        min=min(histogram, default=0),
        mean=mean,
        sd=2.5,
        max=max(histogram, default=0),
        percentiles={50: 27},
        effective=None
        if effective is None
        else EffectiveReport(
            histogram={9: 1.0}, mean=effective, sd=0.5, percentiles={50: 9}, mode="training", woken=()
        ),
    )


def paths_of(lengths: LengthsReport, blocks: LengthsReport | None = None) -> PathsReport:
    """``lengths`` in layers, with as many paths in blocks, or none."""
    none = structs.replace(lengths, unit="blocks", count="0", histogram={}, min=0, max=0, effective=None)
    return PathsReport(**structs.asdict(lengths), blocks=blocks or none)


MEMORY = MemoryReport(
    peak_inference_bytes=10 * 2**20,
    saved_for_backward_bytes=3 * 2**30,
    concat_allocated_bytes=34 * 2**20,
    concat_distinct_bytes=4 * 2**20,
    concat_blowup=8.5,
    peak_without_concat_bytes=8 * 2**20,
    saved_without_concat_bytes=2 * 2**30,
    input_bytes=602112,
    state_bytes=31915424,
    peak_node="layer1.0/add_",
    timeline=(602112, 10 * 2**20, 4000),
    at_peak=(),
    held_by_skips=(),
    saved=(),
    saved_mode="training",
    concatenations=(),
    most_copied=(),
    estimated_nodes=(),
)


@pytest.fixture
def report(in_tmp_path: Path) -> Report:
    """A traced, a skipped and a failed model, and findings of each severity."""
    Path("net.py").write_text(SOURCE)
    net = ModelReport(
        target="net.py:Net",
        name="Net",
        path="net.py",
        line=1,
        status="traced",
        built_with=BuiltWithReport(
            args=(3,),
            kwargs={"dim": 64, "act": "<class 'torch.nn.modules.activation.ReLU'>"},
            source="guessed",
        ),
        notes=("its weights, which net.pt holds, are left out",),
        trace=TraceReport("meta", 431),
        inputs=(
            InputReport("x", (1, 3, 224, 224), "float32", "inferred", "conv1 takes 3 channels"),
            InputReport("mask", (1, 224), "bool", "config"),
        ),
        parameters=7978856,
        skips=(
            skip("layer1.0"),
            skip("layer1.1"),
            skip("layer1.2", span=3),
            skip(
                "layer2.0",
                shortcut="projection",
                carries=("conv2d", "batch_norm"),
                shapes=((1, 128, 28, 28),) * 2,
            ),
            skip("layer2.1", shapes=((1, 128, 28, 28),) * 2, scale="parameter"),
            skip("add_1", kind="gated", join_op="add", shapes=((1, 10), (1, 10)), span=1, join_node="add_1"),
            skip("up.0", kind="concatenative", join_op="cat", long=True, connections=2, span=14),
        ),
        memory=MEMORY,
        paths=paths_of(lengths({0: "1", 54: "1"}, mean=27.0, effective=9.2)),
    )
    skipped = ModelReport(
        target="net.py:Head",
        name="Head",
        path="net.py",
        line=9,
        status="skipped",
        reason="its __init__ needs `width`; add [[tool.skiplint.models]] with kwargs",
    )
    failed = ModelReport(
        target="gone.py",
        name="gone.py",
        status="failed",
        reason="gone.py: no such file",
        detail="Traceback\n  x",
    )
    degenerate = Finding(
        code="SKL205",
        name="degenerate-skip",
        severity=Severity.WARNING,
        message="add joins the output of conv with itself, so nothing is skipped",
        location=Location("net.py", 4, 16, end_line=4, end_column=25),
        model="net.py:Net",
        node="layer1.0/add",
        shapes=((1, 64, 56, 56), (1, 64, 56, 56)),
        suggestion="join the branch's output with its input, each once",
    )
    blocks = tuple(replace(degenerate, node=f"layer1.{block}/add") for block in range(6))
    findings = (
        Finding(
            code="SKL002",
            name="rule-failed",
            severity=Severity.ERROR,
            message="rule pack 'x' could not be loaded: ImportError: y",
            detail="Traceback\n  y",
        ),
        Finding(
            code="SKL305",
            name="plain-depth",
            severity=Severity.INFO,
            message="24 weighted layers in a row",
            location=Location("net.py", 3, 8),
            model="net.py:Net",
            node="conv",
            expected="at most 20",
            actual="24",
            url="https://example.org/SKL305",
        ),
        *blocks,
        replace(degenerate, location=Location("elsewhere.py", 7), model="net.py:Head", node=None, shapes=()),
    )
    return Report("1.2.3", (net, skipped, failed), findings, ("no model in util.py",))
