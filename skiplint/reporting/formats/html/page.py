"""The HTML page of ``skiplint report``."""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.analysis.paths.words import path_count
from skiplint.linting.finding import Severity
from skiplint.reporting.facts import construction, model_counts
from skiplint.reporting.formats.html.pictures import WIDTH, Arcs, Area, Bar, arcs, histogram, timeline
from skiplint.reporting.formats.style import Style
from skiplint.reporting.grouping import FindingGroup, SkipGroup, group_findings, group_skips
from skiplint.reporting.report import ModelReport, Report


class TemplateEngineError(Exception):
    """jinja2 is not installed; ``str()`` is one line that says how to install it."""


@dataclass(frozen=True, slots=True)
class ModelPage:
    """What the page shows of one model."""

    model: ModelReport
    facts: tuple[tuple[str, str], ...]
    skips: Sequence[SkipGroup]
    arcs: Arcs | None
    timeline: Area | None
    histogram: tuple[Bar, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class FindingPage:
    """What the page shows of one finding."""

    group: FindingGroup
    line: str
    caret: str


def render(report: Report, style: Style) -> str:
    """The report as an HTML page.

    Raises:
        TemplateEngineError: jinja2 is not installed.
    """
    del style
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise TemplateEngineError("the HTML report needs jinja2: pip install 'skiplint[report]'") from None
    environment = Environment(
        loader=PackageLoader("skiplint.reporting.formats.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["bytes"] = byte_size
    return environment.get_template("page.html.j2").render(
        report=report,
        models=[_model(model) for model in report.models],
        findings=[_finding(group) for group in group_findings(report.findings)],
        counts=_counts(report),
        totals=model_counts(report.models),
        traced=any(model.status == "traced" for model in report.models),
        width=WIDTH,
    )


def _counts(report: Report) -> list[tuple[str, int]]:
    by_severity = Counter(finding.severity for finding in report.findings)
    return [(each.value, by_severity[each]) for each in reversed(list(Severity)) if by_severity[each]]


def _model(model: ModelReport) -> ModelPage:
    paths = model.paths
    chosen = paths.blocks if paths and paths.blocks.max else paths
    return ModelPage(
        model=model,
        facts=tuple(_facts(model)),
        skips=group_skips(model.skips),
        arcs=arcs(model),
        timeline=timeline(model.memory),
        histogram=histogram(chosen),
        unit="weighted layers" if chosen is paths else "residual blocks",
    )


def _facts(model: ModelReport) -> list[tuple[str, str]]:
    facts = []
    if model.built_with is not None and model.built_with.source != "defaults":
        facts.append(("built with", construction(model.built_with)))
    facts += [("note", note) for note in model.notes]
    facts.append(
        ("inputs", ", ".join(f"{each.name} {list(each.shape)} {each.dtype}" for each in model.inputs))
    )
    if model.parameters is not None:
        facts.append(("parameters", f"{model.parameters:,}"))
    if model.trace is not None:
        facts.append(("trace", f"{model.trace.operations:,} operations on {model.trace.backend}"))
    kinds = Counter(skip.kind for skip in model.skips)
    facts.append(("skips", ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) or "none"))
    paths = model.paths
    if paths is not None and paths.count != "0":
        facts += [
            ("path lengths", f"{paths.min} to {paths.max} weighted layers, mean {paths.mean:.1f}"),
            ("paths", path_count(paths.count)),
        ]
    memory = model.memory
    if memory is not None:
        facts += [
            ("peak in inference", byte_size(memory.peak_inference_bytes)),
            ("saved for backward", byte_size(memory.saved_for_backward_bytes)),
            ("concatenations", byte_size(memory.concat_allocated_bytes)),
        ]
    return facts


def _finding(group: FindingGroup) -> FindingPage:
    place = group.first.location
    line = linecache.getline(place.path, place.line).rstrip() if place else ""
    column = place.column if place and place.column is not None and line else None
    before = len(line[: column - 1].expandtabs(4)) if column else 0
    return FindingPage(group, line.expandtabs(4), " " * before + "^" if column else "")
