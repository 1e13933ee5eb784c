"""Markdown for a comment on a pull request or the summary of a job (``$GITHUB_STEP_SUMMARY``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.analysis.skips.words import skip_counts
from skiplint.display.facts import counted
from skiplint.linting.finding import Severity
from skiplint.reporting.facts import construction
from skiplint.reporting.formats.style import Style
from skiplint.reporting.grouping import FindingGroup, group_findings
from skiplint.reporting.report import ModelReport, Report
from skiplint.reporting.source import source_line

_SHOWN = 50
"""Findings in full; a comment on GitHub holds 65,536 characters."""
_NODES_SHOWN = 4
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def render(report: Report, style: Style) -> str:
    """A line of totals, the findings with their suggestions, and a table of the models."""
    del style
    groups = group_findings(report.findings)
    parts = ["## skiplint", _sums(report)]
    if report.interruption is not None:
        parts.append(f"**Partial:** the run was {report.interruption}.")
    if report.models:
        parts.append(_summary(report))
    if groups:
        parts += ["### Findings", *(_finding(group) for group in groups[:_SHOWN])]
    if len(groups) > _SHOWN:
        parts.append(f"… and {len(groups) - _SHOWN} more.")
    if report.models:
        parts += ["### Models", _models(report.models)]
        parts += ["\n".join(notes)] if (notes := [*_notes(report.models)]) else []
    return "\n\n".join(parts) + "\n"


def _sums(report: Report) -> str:
    traced = [model for model in report.models if model.status == "traced"]
    if not report.findings:
        return "No findings." if traced else "**Nothing was linted.**"
    places = len(group_findings(report.findings))
    return f"**{counted(len(report.findings), 'finding')}** at {counted(places, 'place')}."


def _summary(report: Report) -> str:
    heads = ["models", "skips", "errors", "warnings", "info", "skipped", "failed"]
    traced = [model for model in report.models if model.status == "traced"]
    numbers = [len(traced), sum(len(model.skips) for model in traced)]
    worst_first = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    numbers += [sum(each.severity is severity for each in report.findings) for severity in worst_first]
    numbers += [sum(model.status == status for model in report.models) for status in ("skipped", "failed")]
    return _table(heads, [[str(number) for number in numbers]], right=range(len(heads)))


def _finding(group: FindingGroup) -> str:
    finding = group.first
    code = f"[{finding.code}]({finding.url})" if finding.url else finding.code
    head = f"**{finding.severity.value}** {code} {finding.name}: {_escape(finding.message)}"
    place = finding.location
    if place is None:
        rows = [head]
    else:
        where = ":".join(str(part) for part in (place.path, place.line, place.column) if part is not None)
        line = source_line(place).strip()
        rows = [head, _code(where), *([_fenced(line)] if line else [])]
    notes = [
        ("operands", " ".join(_code(str(list(shape))) for shape in finding.shapes)),
        ("expected", _escape(finding.expected or "")),
        ("actual", _escape(finding.actual or "")),
        ("at", _some(group.nodes)),
        ("in", ", ".join(_code(model) for model in group.models)),
        ("help", _escape(finding.suggestion or "")),
    ]
    listed = "\n".join(f"- {label}: {text}" for label, text in notes if text)
    return "\n\n".join([*rows, *([listed] if listed else [])])


def _models(models: Sequence[ModelReport]) -> str:
    rows = [_row(model) for model in models]
    heads = ["model", "inputs", "parameters", "skips", "peak memory", "saved for backward"]
    return _table(heads, rows, right=(2, 4, 5))


def _notes(models: Sequence[ModelReport]) -> Iterator[str]:
    for model in models:
        if model.built_with is not None and model.built_with.source != "defaults":
            yield f"- {_code(model.target)} is built with {_escape(construction(model.built_with))}"
        yield from (f"- {_code(model.target)}: {_escape(note)}" for note in model.notes)


def _row(model: ModelReport) -> list[str]:
    if model.status != "traced":
        return [_cell(model.target), f"{model.status}: {_escape(model.reason or '')}", "", "", "", ""]
    inputs = ", ".join(_cell(f"{item.name} {list(item.shape)}") for item in model.inputs)
    memory = model.memory
    figures = [memory.peak_inference_bytes, memory.saved_for_backward_bytes] if memory else []
    parameters = "" if model.parameters is None else f"{model.parameters:,}"
    sizes = [byte_size(figure) for figure in figures] or ["", ""]
    return [_cell(model.target), inputs, parameters, skip_counts(model.skips), *sizes]


def _some(nodes: Sequence[str]) -> str:
    more = len(nodes) - _NODES_SHOWN
    shown = ", ".join(_code(node) for node in nodes[:_NODES_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    rule = ["---:" if column in right else "---" for column in range(len(heads))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *rows])


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Inline code, also where the text has backticks."""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def _cell(text: str) -> str:
    """Inline code in a table, where a bar would end the cell."""
    return _code(text).replace("|", "\\|")


def _fenced(line: str) -> str:
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    return f"{fence}python\n{line}\n{fence}"
