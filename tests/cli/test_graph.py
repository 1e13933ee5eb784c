"""``skiplint graph`` on real files."""

from __future__ import annotations

import json
from pathlib import Path

import networkx

from tests.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "examples"
TWO = """
from torch import nn
class A(nn.Linear):
    def __init__(self):
        super().__init__(2, 2)
class B(A):
    pass
"""


def test_a_unet_has_four_arcs(tmp_path: Path, skiplint: Run) -> None:
    done = skiplint("graph", str(EXAMPLES / "unet.py"), "--format", "json")
    assert done.returncode == 0, done.stderr
    graph = networkx.node_link_graph(json.loads(done.stdout), edges="edges")
    arcs = [(u, v) for u, v, data in graph.edges(data=True) if data["skip"] == "concatenative"]
    assert arcs == [
        ("stem.5", "decoder.3/cat"),
        ("encoder.0", "decoder.2/cat"),
        ("encoder.1", "decoder.1/cat"),
        ("encoder.2", "decoder.0/cat"),
    ]
    assert len(graph) < 40


def test_to_a_file_at_a_depth(tmp_path: Path, skiplint: Run) -> None:
    target = str(EXAMPLES / "unet.py")
    done = skiplint("graph", target, "--depth", "0", "-o", "unet.dot")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "unet.dot").read_text().startswith('digraph "UNet" {')


def test_one_model_at_a_time(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "two.py").write_text(TWO)
    done = skiplint("graph", "two.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "two.py has several models, and graph draws one; choose one of two.py:A, two.py:B" in done.stderr
    done = skiplint("graph", "gone.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "gone.py: no such file" in done.stderr
