"""How often each rule found something, for ``--statistics``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from skiplint.reporting.formats.console_findings import SEVERITY_STYLES
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import to_text
from skiplint.reporting.grouping import group_findings
from skiplint.reporting.report import SCHEMA_VERSION, Report


@dataclass(frozen=True, slots=True)
class RuleCount:
    """The number of findings of one rule."""

    code: str
    name: str
    severity: str
    """The worst that it reported."""
    findings: int
    places: int
    """Source lines with a finding: a block that is used ten times has ten findings at one line."""
    models: int


def count_rules(report: Report) -> tuple[RuleCount, ...]:
    """One for each rule with findings, the most frequent first."""
    counts = []
    for code in {finding.code for finding in report.findings}:
        found = [finding for finding in report.findings if finding.code == code]
        worst = max(found, key=lambda finding: finding.severity.rank)
        models = {finding.model for finding in found if finding.model}
        places = len(group_findings(found))
        counts.append(RuleCount(code, worst.name, worst.severity.value, len(found), places, len(models)))
    return tuple(sorted(counts, key=lambda count: (-count.findings, count.code)))


def render_statistics(report: Report, output_format: str, style: Style) -> str:
    """The counts as text in one of :data:`STATISTICS_FORMATS`."""
    return STATISTICS_FORMATS[output_format](report, style)


def _console(report: Report, style: Style) -> str:
    counts = count_rules(report)
    if not counts:
        return "no findings\n"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading in ("findings", "places", "models"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("code", "name", "severity"):
        table.add_column(heading, no_wrap=heading == "code", overflow="fold")
    styles = {severity.value: style for severity, style in SEVERITY_STYLES.items()}
    for count in counts:
        severity = Text(count.severity, style=styles[count.severity])
        numbers = (str(number) for number in (count.findings, count.places, count.models))
        table.add_row(*numbers, count.code, count.name, severity)
    return to_text(table, style)


def _concise(report: Report, style: Style) -> str:
    del style
    return "".join(f"{count.findings} {count.code} {count.name}\n" for count in count_rules(report))


def _json(report: Report, style: Style) -> str:
    del style
    whole = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "skiplint", "version": report.version},
        "statistics": _dicts(report),
    }
    return json.dumps(whole, indent=2) + "\n"


def _jsonlines(report: Report, style: Style) -> str:
    del style
    return "".join(json.dumps({"type": "statistic", **count}) + "\n" for count in _dicts(report))


def _markdown(report: Report, style: Style) -> str:
    del style
    heads = ["findings", "places", "models", "rule", "severity"]
    rows = [
        [
            str(count.findings),
            str(count.places),
            str(count.models),
            f"{count.code} {count.name}",
            count.severity,
        ]
        for count in count_rules(report)
    ]
    rule = ["---:", "---:", "---:", "---", "---"]
    return _rows([heads, rule, *rows]) if rows else "No findings.\n"


def _rows(rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _dicts(report: Report) -> list[dict[str, Any]]:
    return [asdict(count) for count in count_rules(report)]


STATISTICS_FORMATS: dict[str, Callable[[Report, Style], str]] = {
    "console": _console,
    "concise": _concise,
    "json": _json,
    "jsonlines": _jsonlines,
    "markdown": _markdown,
}
"""The formats that can show counts alone; the others are read by programs that want findings."""
