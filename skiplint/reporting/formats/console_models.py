"""A model at the terminal: its facts and a table of its skips."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from skiplint.analysis.skips.words import skip_counts
from skiplint.reporting.facts import CONNECTIONS, SKIP_COLUMNS, model_facts, model_place
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import to_text
from skiplint.reporting.grouping import SkipGroup, group_skips
from skiplint.reporting.report import ModelReport, Report, SkipReport

_KIND_STYLES = {"additive": "green", "concatenative": "magenta", "gated": "cyan"}
_STATUS_STYLES = {"skipped": "yellow", "failed": "red"}


def model_block(model: ModelReport, style: Style) -> RenderableType:
    """Everything about one model."""
    head = model_head(model)
    if model.status != "traced":
        head.append(f"  {model.status}", style=_STATUS_STYLES[model.status])
        rows: list[RenderableType] = [head, Padding(Text(model.reason or ""), (0, 0, 0, 2))]
        if style.verbosity > 0 and model.detail:
            rows.append(Padding(Text(model.detail.rstrip(), style="dim"), (0, 0, 0, 4)))
        return Padding(Group(*rows), (0, 0, 1, 0))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="blue", no_wrap=True)
    facts.add_column()
    for label, value in model_facts(model):
        facts.add_row(label, value)
    parts: list[RenderableType] = [head, Padding(facts, (0, 0, 0, 2))]
    if model.skips:
        parts.append(Padding(skip_table(model.skips, style), (1, 0, 0, 2)))
    return Padding(Group(*parts), (0, 0, 1, 0))


def model_head(model: ModelReport) -> Text:
    """The name of a model and where it is."""
    return Text.assemble((model.name, "bold"), "  ", (model_place(model), "dim"))


def skip_tables(report: Report, style: Style) -> str:
    """The skips of every traced model; each join has its own row when verbose."""
    blocks: list[RenderableType] = []
    for model in report.models:
        if model.status == "traced":
            head = model_head(model)
            head.append(f"  {skip_counts(model.skips)}")
            table = skip_table(model.skips, style)
            blocks.append(Padding(Group(head, *([table] if model.skips else [])), (0, 0, 1, 0)))
    return to_text(Group(*blocks), style) if blocks else ""


def skip_table(skips: Sequence[SkipReport], style: Style) -> Table:
    """A table of joins: similar neighbours share a row unless verbose, narrow terminals get fewer columns."""
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="bold"
    )
    groups = group_skips(skips) if style.verbosity <= 0 else [SkipGroup((skip,)) for skip in skips]
    several = any(skip.connections > 1 for skip in skips)
    columns = [
        column
        for column in SKIP_COLUMNS
        if style.width >= column.width and (several or column is not CONNECTIONS)
    ]
    for column in columns:
        table.add_column(column.title, justify="right" if column.number else "left", overflow="fold")
    for group in groups:
        kind, *cells = (Text(column.cell(group)) for column in columns)
        kind.stylize(_KIND_STYLES[group.first.kind])
        table.add_row(kind, *cells)
    return table
