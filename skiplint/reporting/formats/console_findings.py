"""A finding at the terminal: its place, the source line with a caret, the shapes, and what to do."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from skiplint.graph import Location
from skiplint.linting.finding import Severity
from skiplint.reporting.formats.style import Style
from skiplint.reporting.grouping import FindingGroup
from skiplint.reporting.source import source_line

SEVERITY_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}
_NODES_SHOWN = 4


def finding_block(group: FindingGroup, style: Style) -> RenderableType:
    """One finding, or several that are one fault at one line."""
    finding = group.first
    head = Text()
    head.append(finding.severity.value, style=SEVERITY_STYLES[finding.severity])
    head.append(f"[{finding.code} {finding.name}]", style=SEVERITY_STYLES[finding.severity])
    head.append(f" {finding.message}", style="bold")
    gutter = len(str(finding.location.line)) if finding.location else 1
    rows: list[RenderableType] = [head]
    if finding.location is not None:
        rows.append(_arrow(finding.location, gutter))
        rows.extend(_source(finding.location, gutter))
    rows.append(_notes(group, gutter))
    if style.verbosity > 0 and finding.detail:
        rows.append(Padding(Text(finding.detail.rstrip(), style="dim"), (0, 0, 0, gutter + 3)))
    return Padding(Group(*rows), (0, 0, 1, 0))


def _arrow(place: Location, gutter: int) -> Text:
    where = ":".join(str(part) for part in (place.path, place.line, place.column) if part is not None)
    return Text.assemble(" " * gutter, ("--> ", "blue"), where)


def _source(place: Location, gutter: int) -> list[Text]:
    """The source line with a caret under the column."""
    line = source_line(place)
    if not line.strip():
        return []
    bar = Text.assemble(" " * gutter, (" |", "blue"))
    rows = [bar, Text.assemble((f"{place.line} | ", "blue"), line.expandtabs(4))]
    if place.column is not None:
        before = cell_len(line[: place.column - 1].expandtabs(4))
        rows.append(Text.assemble(" " * gutter, (" | ", "blue"), " " * before, ("^", "bold red")))
    return rows


def _notes(group: FindingGroup, gutter: int) -> RenderableType:
    """Labelled lines below the source, long ones indented."""
    finding = group.first
    notes = []
    if finding.shapes:
        notes.append(("operands", "  ".join(str(list(shape)) for shape in finding.shapes)))
    if finding.expected is not None:
        notes.append(("expected", finding.expected))
    if finding.actual is not None:
        notes.append(("actual", finding.actual))
    if group.nodes:
        more = len(group.nodes) - _NODES_SHOWN
        shown = ", ".join(group.nodes[:_NODES_SHOWN]) + (f" and {more} more" if more > 0 else "")
        notes.append(("at", shown))
    if group.models:
        notes.append(("in", ", ".join(group.models)))
    if finding.suggestion is not None:
        notes.append(("help", finding.suggestion))
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(no_wrap=True)
    lines.add_column()
    for label, text in notes:
        lines.add_row(Text.assemble(" " * gutter, (" = ", "blue"), (f"{label}:", "bold")), Text(text))
    return lines
