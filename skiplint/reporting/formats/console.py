"""The report for people at a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from skiplint.display.facts import counted
from skiplint.linting.finding import Severity
from skiplint.reporting.facts import model_counts
from skiplint.reporting.formats.console_findings import SEVERITY_STYLES, finding_block
from skiplint.reporting.formats.console_models import model_block
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import to_text
from skiplint.reporting.grouping import group_findings
from skiplint.reporting.report import ModelReport, Report


def render(report: Report, style: Style, *, printed: int = 0) -> str:
    """The models with their facts, then the findings with their source lines, then one line of totals.

    Args:
        report: what to write.
        style: how it looks.
        printed: how many models stand there already, each as :func:`render_model` gives it.
    """
    models = "".join(render_model(model, style) for model in report.models[printed:])
    groups = group_findings(report.findings)
    blocks: list[RenderableType] = [finding_block(group, style) for group in groups]
    if blocks or report.interruption or (style.verbosity >= 0 and (report.models or printed)):
        blocks.append(_summary(report, places=len(groups)))
    return models + (to_text(Group(*blocks), style) if blocks else "")


def render_model(model: ModelReport, style: Style) -> str:
    """One model with its facts; empty where ``style`` leaves it out."""
    if style.verbosity < 0 or (model.status == "failed" and not style.failures):
        return ""
    return to_text(model_block(model, style), style)


def _summary(report: Report, *, places: int) -> Text:
    """Such as ``12 models traced, 3 skipped, 1 failed; 2 errors, 1 warning``."""
    text = Text()
    text.append(f"{model_counts(report.models)}; ", style="bold")
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
        text.append(f" ({safe or len(fixes)} fixable with {flags})", style="dim")
    if not found:
        # Where nothing was traced, "no findings" would sound like praise.
        traced = any(model.status == "traced" for model in report.models)
        text.append(
            "no findings" if traced else "nothing was linted", style="green" if traced else "bold yellow"
        )
    if report.interruption is not None:
        text.append(f"; partial: {report.interruption}", style="bold yellow")
    return text
