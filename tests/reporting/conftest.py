"""Reports made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from skiplint import Finding, Location, Severity
from skiplint.reporting.report import InputReport, ModelReport, Report, SkipReport, TraceReport

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
        location=Location("net.py", 4, 16),
        shapes=((1, 64, 56, 56), (1, 64, 56, 56)),
        bytes=802816,
        carries=(),
        fork_node="maxpool",
        join_node=f"{join}/add_",
        fork_index=3,
        join_index=9,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


PATHS = {
    "unit": "layers",
    "count": str(2**54),
    "histogram": {"0": "1", "54": "1"},
    "min": 0,
    "mean": 27.0,
    "max": 54,
    "effective": {"histogram": {"9": 1.0}, "mean": 9.2},
    "blocks": None,
}
MEMORY = {
    "peak_inference_bytes": 10 * 2**20,
    "saved_for_backward_bytes": 3 * 2**30,
    "concat_allocated_bytes": 34 * 2**20,
    "concat_distinct_bytes": 4 * 2**20,
    "concat_blowup": 8.5,
}


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
        trace=TraceReport("meta", 431, 0.3125),
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
        paths=PATHS,
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
        location=Location("net.py", 4, 16),
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
