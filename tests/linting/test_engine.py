"""Rules run over one model, and a rule that raises harms only itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skiplint import Settings, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.graph import Location
from skiplint.linting.engine import load_findings, run_rules
from skiplint.linting.registry import LoadFailure, Registry
from skiplint.linting.selection import choose_rules
from skiplint.run.check import check
from skiplint.run.request import Request

MakeAnalysis = Callable[..., Analysis]


def test_findings_know_their_model_their_node_and_their_place(
    registry: Registry, analysis_at: MakeAnalysis
) -> None:
    rule = registry.find("finds-adds")
    assert rule is not None
    (finding,) = run_rules(analysis_at("net.py", 12), [rule()], model="net.py:Net")
    assert finding.model == "net.py:Net"
    assert finding.node == "block/add_0"
    assert finding.location == Location("net.py", 12, 9)
    assert finding.anchors == (Location("net.py", 1),)


def test_a_rule_that_raises_is_a_finding_and_the_others_go_on(
    registry: Registry, analysis_at: MakeAnalysis
) -> None:
    findings = run_rules(analysis_at("net.py", 12), choose_rules(registry), model="m")
    assert [finding.code for finding in findings] == ["TST201", "SKL002"]
    failed = findings[1]
    assert failed.severity is Severity.ERROR
    assert failed.message == "rule TST301 raises failed: ZeroDivisionError: by zero"
    assert "Traceback" in failed.detail


def test_a_finding_without_a_place_gets_the_models(registry: Registry, analysis_at: MakeAnalysis) -> None:
    place = Location("net.py", 3)
    (failed,) = run_rules(analysis_at("net.py", 12), [registry.rules[-1]()], model="m", place=place)
    assert failed.location == place


def test_a_pack_that_did_not_load_is_a_finding() -> None:
    (finding,) = load_findings([LoadFailure("rule pack 'x'", "could not be loaded: ImportError: y")])
    assert finding.code == "SKL002"
    assert finding.message == "rule pack 'x' could not be loaded: ImportError: y"


LAYERS_ONLY = """
from torch import nn

chain = nn.Sequential(
    nn.Linear(6, 8),
    nn.Linear(9, 3),
)


class Chain(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 8, 3),
            nn.BatchNorm2d(9),
        )
"""


def test_a_call_that_torch_makes_by_itself_is_placed_where_its_layer_is_built(tmp_path: Path) -> None:
    """In a model of nothing but layers no frame is the user's."""
    path = tmp_path / "net.py"
    path.write_text(LAYERS_ONLY, "utf-8")
    findings = check(Request([str(path)], Settings(select=("SKL102",)))).findings
    assert [each.location.line for each in findings if each.location] == [6, 14]
