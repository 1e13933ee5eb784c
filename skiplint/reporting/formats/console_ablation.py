"""An ablation at the terminal: one row for each removed skip, similar neighbours in one row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from skiplint.analysis.paths.words import path_count
from skiplint.display.facts import counted
from skiplint.reporting.formats.console_models import model_head
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import figures_table, to_text
from skiplint.reporting.grouping import first_to_last, pattern
from skiplint.reporting.report import ModelReport, Report
from skiplint.reporting.sections import AblationReport, AblationRow

_EXPLAINED = (
    "gradient: norm at the weights of the first tenth of the layers, and its change; variance: change at the "
    "join and at the output; kept: of the inputs' geometry in what reaches the last layer"
)


def ablation_tables(report: Report, style: Style) -> str:
    """The ablation of every traced model; each skip has its own row when verbose."""
    blocks = [
        Padding(Group(*_model(model, model.ablation, style)), (0, 0, 1, 0))
        for model in report.models
        if model.ablation
    ]
    return to_text(Group(*blocks), style) if blocks else ""


def _model(model: ModelReport, found: AblationReport, style: Style) -> list[RenderableType]:
    head = model_head(model)
    head.append(f"  {found.mode} mode, batch of {found.batch}")
    if not found.without_one:
        return [head, Text("  no skip to remove")]
    parts: list[RenderableType] = [_rows(found, style), _depth(found)]
    if found.seeds:
        parts.append(_seeds(found))
    parts.append(Text(_EXPLAINED, style="dim"))
    return [head, *(Padding(part, (1, 0, 0, 2)) for part in parts)]


def _rows(found: AblationReport, style: Style) -> Table:
    table = figures_table(
        "removed", "skips", "gradient", "change", "at join", "output", "kept", "paths", "mean"
    )
    table.add_row("nothing", "", *_cells([found.with_skips]))
    rows = found.without_one
    groups = (
        [[row] for row in rows]
        if style.verbosity > 0
        else [list(group) for _, group in groupby(rows, lambda row: (row.kind, pattern(row.join_node or "")))]
    )
    for group in groups:
        names = first_to_last([row.join_node or "" for row in group])
        table.add_row(names, str(len(group)), *_cells(group))
    if found.without_any:
        table.add_section()
        table.add_row(Text("all", style="bold"), str(len(rows)), *_cells([found.without_any]))
    return table


def _cells(rows: Sequence[AblationRow]) -> list[str]:
    """The figures of ``rows``, which are alike and share one row of the table."""
    paths = [row.paths for row in rows if row.paths]
    counts = list(dict.fromkeys(_count(each.count) for each in paths))
    means = sorted({f"{each.mean:.1f}" for each in paths if each.mean is not None}, key=float)
    return [
        _span([row.first_gradient for row in rows], _plain, "-"),
        _span([row.gradient_change for row in rows], _times),
        _span([row.join_variance_change for row in rows], _times),
        _span([row.output_variance_change for row in rows], _times),
        _span([row.information for row in rows], lambda part: f"{100 * part:.0f}%", "-"),
        counts[0] if len(counts) == 1 else f"{counts[0]} …" if counts else "",
        means[0] if len(means) == 1 else f"{means[0]} … {means[-1]}" if means else "",
    ]


def _span(values: Sequence[float | None], shown: Callable[[float], str], none: str = "") -> str:
    """The least and the largest of ``values``, or ``none`` where no value is known."""
    known = [value for value in values if value is not None]
    if not known:
        return none
    low, high = shown(min(known)), shown(max(known))
    return low if low == high else f"{low} … {high.lstrip('x')}"


def _depth(found: AblationReport) -> Table:
    """The gradient by depth, with and without skips."""
    profile = found.with_skips.profile
    parts = len(profile)
    table = figures_table("gradient by depth, input to output", *(f"{at + 1}/{parts}" for at in range(parts)))
    table.add_row("with skips", *map(_maybe, profile))
    if found.without_any:
        table.add_row("without", *map(_maybe, found.without_any.profile))
    return table


def _seeds(found: AblationReport) -> Table:
    number = counted(len(found.seeds), "initialisation")
    table = figures_table(f"first gradient over {number}", "least", "most", "spread (decades)")
    for name, gradients, spread in (
        ("with skips", [row.first_gradient for row in found.seeds], found.spread.with_skips),
        ("without", [row.first_gradient_without for row in found.seeds], found.spread.without_any),
    ):
        values = [value for value in gradients if value is not None]
        ends = (_plain(min(values)), _plain(max(values))) if values else ("overflow", "overflow")
        table.add_row(name, *ends, "-" if spread is None else f"{spread:.2f}")
    return table


def _count(digits: str) -> str:
    return (
        path_count(digits) if len(digits) < 6 or len(digits) > 9 else f"{int(digits):.1e}".replace("+0", "")
    )


def _maybe(value: float | None) -> str:
    return "overflow" if value is None else _plain(value)


def _plain(value: float) -> str:
    return f"{value:.2g}" if value < 100 or value >= 10000 else f"{value:.0f}"


def _times(value: float) -> str:
    return f"x{value:.2g}" if value < 100 else f"x{value:.1e}"
