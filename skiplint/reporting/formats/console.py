"""The report for people at a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from skiplint.display.facts import counted
from skiplint.linting.finding import Severity
from skiplint.reporting.formats.console_findings import SEVERITY_STYLES, finding_block
from skiplint.reporting.formats.console_models import model_block
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import to_text
from skiplint.reporting.grouping import group_findings
from skiplint.reporting.report import Report


def render(report: Report, style: Style) -> str:
    """The models with their facts, then the findings with their source lines, then one line of totals."""
    blocks: list[RenderableType] = []
    if style.verbosity >= 0:
        shown = [model for model in report.models if style.failures or model.status != "failed"]
        blocks.extend(model_block(model, style) for model in shown)
    groups = group_findings(report.findings)
    blocks.extend(finding_block(group, style) for group in groups)
    if blocks:
        blocks.append(_summary(report, places=len(groups)))
    return to_text(Group(*blocks), style) if blocks else ""


def _summary(report: Report, *, places: int) -> Text:
    """Such as ``2 models, 20 skips, 1 warning``."""
    text = Text()
    traced = [model for model in report.models if model.status == "traced"]
    parts = [counted(len(traced), "model"), counted(sum(len(model.skips) for model in traced), "skip")]
    for status in ("skipped", "failed"):
        number = sum(model.status == status for model in report.models)
        if number:
            parts.append(f"{number} {status}")
    text.append(", ".join(parts) + ": ", style="bold")
    worst_first = sorted(Severity, key=lambda severity: -severity.rank)
    sums = [
        (severity, sum(finding.severity is severity for finding in report.findings))
        for severity in worst_first
    ]
    found = [(severity, number) for severity, number in sums if number]
    for position, (severity, number) in enumerate(found):
        noun = severity.value if severity is Severity.INFO else None
        label = f"{number} {noun}" if noun else counted(number, severity.value)
        text.append(", " if position else "")
        text.append(label, style=SEVERITY_STYLES[severity])
    if places < len(report.findings):
        text.append(f" at {counted(places, 'place')}")
    fixes = [finding.fix for finding in report.findings if finding.fix and finding.fix.edits]
    if fixes:
        safe = sum(fix.safe for fix in fixes)
        flags = "--fix" if safe else "--fix --unsafe-fixes"
        text.append(f"; {safe or len(fixes)} fixable with {flags}", style="dim")
    if not found:
        # Where nothing was traced, "no findings" would sound like praise.
        text.append("no findings" if traced else "nothing was linted", style="green" if traced else "yellow")
    return text
