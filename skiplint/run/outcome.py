"""What comes of one model, as plain data: made where the model runs, put together where the report is made.

An :class:`Outcome` can be sent to another process and kept in a file; nothing in it needs torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from skiplint.analysis.contract import InputContract
from skiplint.graph import Location, ModelGraph
from skiplint.linting.engine import run_rules
from skiplint.linting.finding import Finding
from skiplint.linting.rule import Rule
from skiplint.reporting.describe import describe_skips, describe_trace
from skiplint.reporting.describe_ablation import describe_ablation
from skiplint.reporting.describe_contract import describe_contract
from skiplint.reporting.describe_memory import describe_budget, describe_growth, describe_memory
from skiplint.reporting.describe_paths import describe_paths
from skiplint.reporting.report import ModelReport
from skiplint.reporting.sections import MemoryReport
from skiplint.run.request import Request
from skiplint.sources.footprint import Footprint
from skiplint.sources.paths import absolute, absolute_place

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis


@dataclass(frozen=True)
class Outcome:
    """The report of one model and its findings; paths are absolute."""

    report: ModelReport
    findings: tuple[Finding, ...] = ()
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By file, the lines of operations that ran and of classes whose modules ran."""
    is_model: bool = True
    """False for what turned out to have no weighted layer, and that nobody asked for by name."""
    parts: tuple[Outcome, ...] = ()
    """Of a model that cannot be constructed: its parts that can, traced on their own."""


@dataclass(frozen=True)
class UnitResult:
    """What came of one unit of work."""

    outcomes: tuple[Outcome, ...]
    """In the order of its models."""
    footprint: Footprint | None
    """What it depended on; None where it must not be kept."""


def outcome_of(
    analysis: Analysis, report: ModelReport, rules: Sequence[Rule], request: Request | None = None
) -> Outcome:
    """Complete the report of a traced model and run the rules on it.

    Args:
        analysis: the traced model.
        report: what is known of it so far: its target, place and inputs.
        rules: the rules to run, set up.
        request: what to find out besides; None for nothing.

    Raises:
        GradientError: gradients were asked for and cannot be measured.
    """
    request = request or Request()
    graph = analysis.graph
    report = msgspec.structs.replace(
        with_absolute_path(report),
        reason=_early_end(graph),
        trace=describe_trace(graph),
        parameters=graph.parameters,
        skips=describe_skips(analysis),
        memory=_memory(analysis, request),
        paths=describe_paths(analysis, gradients=request.gradients),
        ablation=UNSET
        if request.ablation is None
        else describe_ablation(analysis.ablation(request.ablation)),
    )
    place = Location(report.path, report.line or 1) if report.path else None
    findings = run_rules(analysis, rules, model=report.target, place=place)
    if request.contract or analysis.has(InputContract):
        report = msgspec.structs.replace(report, input_contract=describe_contract(analysis))
    return Outcome(report, tuple(_with_absolute_places(finding) for finding in findings), _lines(graph))


def untraced(report: ModelReport) -> Outcome:
    """The outcome of a model that was skipped or that failed."""
    return Outcome(with_absolute_path(report))


def with_absolute_path(report: ModelReport) -> ModelReport:
    """``report`` with its path in the spelling that is compared."""
    return msgspec.structs.replace(report, path=absolute(report.path)) if report.path else report


def _early_end(graph: ModelGraph) -> str | None:
    if not graph.ended_by:
        return None
    return f"its forward ends after the mismatch at {graph.ended_by}; nothing after that was analyzed"


def _memory(analysis: Analysis, request: Request) -> MemoryReport | None:
    memory = describe_memory(analysis)
    if memory is None:
        return None
    budget = request.budget
    return msgspec.structs.replace(
        memory,
        growth=describe_growth(analysis) if request.growth else UNSET,
        budget=UNSET if budget is None else describe_budget(analysis, budget, request.optimizer),
    )


def _with_absolute_places(finding: Finding) -> Finding:
    return dataclasses.replace(
        finding,
        location=absolute_place(finding.location) if finding.location else None,
        anchors=tuple(absolute_place(place) for place in finding.anchors),
    )


def _lines(graph: ModelGraph) -> dict[str, tuple[int, ...]]:
    places = {(frame.path, frame.line) for operation in graph for frame in operation.stack}
    for module in graph.modules.values():
        if module.location is not None:
            places.add((module.location.path, module.location.line))
    lines: dict[str, set[int]] = {}
    for path, line in places:
        lines.setdefault(absolute(path), set()).add(line)
    return {path: tuple(sorted(lines[path])) for path in sorted(lines)}
