"""Run rules over one analysed model; a rule that raises harms only itself."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from skiplint.graph import Location, ModelGraph, Operation
from skiplint.linting.finding import Finding
from skiplint.linting.fixes import located
from skiplint.linting.registry import LoadFailure
from skiplint.linting.rule import Rule
from skiplint.linting.tool_rules import RuleFailed

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis


def run_rules(
    analysis: Analysis, rules: Sequence[Rule], *, model: str, place: Location | None = None
) -> list[Finding]:
    """Run ``rules`` on one model and return their findings.

    Args:
        analysis: the traced model.
        rules: the rules to run, with their options.
        model: its target, which goes into every finding.
        place: where the model is defined, for findings without a place of their own.
    """
    findings: list[Finding] = []
    for rule in rules:
        try:
            found = list(rule.check(analysis))
        except Exception as error:
            found = [_failed(rule, error)]
        findings.extend(_placed(finding, analysis, model, place) for finding in found)
    return findings


def load_findings(failures: Iterable[LoadFailure]) -> list[Finding]:
    """One finding for each rule or pack that could not be loaded."""
    return [
        RuleFailed().finding(
            f"{failure.what} {failure.reason}",
            suggestion="mend or uninstall the package that provides it",
            detail=failure.detail,
        )
        for failure in failures
    ]


def _failed(rule: Rule, error: Exception) -> Finding:
    said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return RuleFailed().finding(
        f"rule {rule.code} {rule.name} failed: {said}",
        suggestion=f"report it to the author of the rule; --ignore {rule.code} leaves it out",
        detail="".join(traceback.format_exception(error)),
    )


def _outside_torch(graph: ModelGraph, operation: Operation) -> Location | None:
    """For a call that torch makes by itself: where the layer is built, else the class around it."""
    path = operation.module
    while True:
        info = graph.modules.get(path)
        if info is not None:
            foreign = info.class_name.startswith("torch.")
            found = info.built_at if foreign else info.location
            if found is not None:
                return found
        if not path:
            return None
        path = path.rpartition(".")[0]


def _placed(finding: Finding, analysis: Analysis, model: str, place: Location | None) -> Finding:
    """``finding`` with its model, a location if it had none, its edits, and where a comment counts."""
    graph = analysis.graph
    operation = graph.by_id.get(finding.node) if finding.node else None
    owners = ("", operation.module) if operation else ("",)
    infos = [info for owner in owners if (info := graph.modules.get(owner)) is not None]
    classes = [info.location for info in infos if info.location is not None]
    location = finding.location or (_outside_torch(graph, operation) if operation else None) or place
    return dataclasses.replace(
        finding,
        model=model,
        location=location,
        anchors=(*finding.anchors, *classes),
        fix=located(graph, finding.fix) if finding.fix else None,
    )
