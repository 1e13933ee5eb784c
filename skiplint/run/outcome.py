"""What one model gave, as plain data: made where the model runs, gathered where the report is written.

An :class:`Outcome` can cross the border of a process and be kept in a file; nothing in it needs torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skiplint.analysis.contract import InputContract
from skiplint.graph import Location, ModelGraph
from skiplint.linting.engine import run_rules
from skiplint.linting.finding import Finding
from skiplint.linting.rule import Rule
from skiplint.reporting.describe import describe_skips, describe_trace
from skiplint.reporting.describe_contract import describe_contract
from skiplint.reporting.describe_memory import describe_memory
from skiplint.reporting.describe_paths import describe_paths
from skiplint.reporting.report import ModelReport
from skiplint.run.request import Measuring
from skiplint.sources.paths import absolute, absolute_place

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis


@dataclass(frozen=True)
class Outcome:
    """One model, what the rules found in it, and the lines that ran; its paths are absolute."""

    report: ModelReport
    findings: tuple[Finding, ...] = ()
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By file, the lines of operations that ran and of classes whose modules ran."""


def examine(
    analysis: Analysis,
    report: ModelReport,
    rules: Sequence[Rule],
    measuring: Measuring = Measuring(),  # noqa: B008 - frozen
) -> Outcome:
    """Complete the report of one traced model and run the rules on it.

    Raises:
        GradientError: gradients were asked for and cannot be measured.
    """
    graph = analysis.graph
    memory = describe_memory(analysis)
    report = dataclasses.replace(
        with_absolute_path(report),
        reason=_ended(graph),
        trace=describe_trace(graph),
        parameters=graph.parameters,
        skips=describe_skips(analysis),
        memory=None if memory is None else {**memory, **measuring.memory(analysis)},
        paths=describe_paths(analysis, gradients=measuring.gradients),
        ablation=measuring.removed(analysis),
    )
    place = Location(report.path, report.line or 1) if report.path else None
    findings = run_rules(analysis, rules, model=report.target, place=place)
    if measuring.contract or analysis.has(InputContract):
        report = dataclasses.replace(report, input_contract=describe_contract(analysis))
    return Outcome(report, tuple(_with_absolute_places(finding) for finding in findings), _lines(graph))


def _ended(graph: ModelGraph) -> str | None:
    if not graph.ended_by:
        return None
    return f"its forward ends behind the mismatch at {graph.ended_by}; nothing after that was looked at"


def untraced(report: ModelReport) -> Outcome:
    """The outcome of a model that was skipped or that failed."""
    return Outcome(with_absolute_path(report))


def with_absolute_path(report: ModelReport) -> ModelReport:
    """``report`` with its path in the spelling that is compared."""
    return dataclasses.replace(report, path=absolute(report.path)) if report.path else report


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
