"""A model at the terminal: what it is, how it was run, its skips by kind, its paths, its memory."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.reporting.formats.grouping import SkipGroup, group_skips
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import counted, to_text
from skiplint.reporting.report import InputReport, ModelReport, Report, SkipReport

_KINDS = ("additive", "concatenative", "gated")
_KIND_STYLES = {"additive": "green", "concatenative": "magenta", "gated": "cyan"}
_INSTALLED = re.compile(r"^.*/(?:site|dist)-packages/")
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
    """The skips of every traced model and nothing else; every join by itself when verbose."""
    blocks: list[RenderableType] = []
    for model in report.models:
        if model.status == "traced":
            head = model_head(model)
            head.append(f"  {skip_counts(model.skips)}")
            table = skip_table(model.skips, style)
            blocks.append(Padding(Group(head, *([table] if model.skips else [])), (0, 0, 1, 0)))
    return to_text(Group(*blocks), style) if blocks else ""


def skip_table(skips: Sequence[SkipReport], style: Style) -> Table:
    """The joins, neighbours that are alike in one row unless verbose; fewer columns where it is narrow."""
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


@dataclass(frozen=True)
class SkipColumn:
    """One column of the table of skips."""

    title: str
    cell: Callable[[SkipGroup], str]
    number: bool = False
    width: int = 0
    """Width of the terminal from which on there is room for it."""


CONNECTIONS = SkipColumn("shortcuts", lambda group: group.connections, number=True, width=90)
SKIP_COLUMNS = (
    SkipColumn("kind", lambda group: group.first.kind),
    SkipColumn("shortcut", lambda group: _shortcut(group.first)),
    SkipColumn("joins", lambda group: str(len(group.skips)), number=True),
    SkipColumn("where", lambda group: group.where),
    SkipColumn("by", lambda group: group.first.join_op, width=90),
    SkipColumn("span", lambda group: group.span, number=True),
    CONNECTIONS,
    SkipColumn("shape", lambda group: group.shape, width=70),
)


def _shortcut(skip: SkipReport) -> str:
    """Such as ``identity, long``."""
    notes = (skip.shortcut, "long" if skip.long else "", f"{skip.scale} scale" if skip.scale else "")
    return ", ".join(note for note in notes if note)


def skip_counts(skips: Sequence[SkipReport]) -> str:
    """Such as ``16 additive (12 identity, 4 projection), 4 concatenative``."""
    parts = []
    for kind in _KINDS:
        shortcuts = Counter(skip.shortcut for skip in skips if skip.kind == kind)
        if shortcuts:
            split = ", ".join(f"{number} {name}" for name, number in sorted(shortcuts.items()))
            parts.append(f"{sum(shortcuts.values())} {kind} ({split})")
    return ", ".join(parts) or "none"


def model_place(model: ModelReport) -> str:
    """Place and target, which is what to type to get the model again, unless one says it all."""
    path = _INSTALLED.sub("", model.path or "")
    place = f"{path}:{model.line}" if path and model.line else path
    if place and model.target in {model.path, f"{model.path}:{model.name}"}:
        return place
    return "  ".join(part for part in (model.target if model.target != model.name else "", place) if part)


def model_facts(model: ModelReport) -> list[tuple[str, str]]:
    """What there is to say of a traced model, each with its label."""
    facts = [("inputs", "\n".join(_inputs(model.inputs)) or "none")]
    if model.input_contract is not None:
        facts.append(("input sizes", _contract(model.input_contract)))
    if model.parameters is not None:
        facts.append(("parameters", f"{model.parameters:,}"))
    if model.trace is not None:
        backend, seconds = model.trace.backend, model.trace.seconds
        operations = counted(model.trace.operations, "operation")
        facts.append(("trace", f"{operations} on {backend} in {seconds:.2f} s"))
    facts.append(("skips", skip_counts(model.skips)))
    if model.paths is not None:
        facts.append(("path lengths", _paths(model.paths)))
    if model.memory is not None:
        facts.append(("memory", _memory(model.memory)))
    return facts


def _inputs(inputs: Sequence[InputReport]) -> Iterator[str]:
    """A line an input, and where it is from behind the last of those that are from there together."""
    for item, following in itertools.zip_longest(inputs, inputs[1:]):
        reason = f"{item.source}: {item.why}" if item.why and item.why != item.source else item.source
        together = following is not None and (following.source, following.why) == (item.source, item.why)
        yield f"{item.name}  {item.dtype} {list(item.shape)}" + ("" if together else f"  ({reason})")


def _contract(contract: Mapping[str, Any]) -> str:
    return f"{contract['text']} (checked by {counted(contract['probes'], 'forward')} without values)"


def _paths(paths: Mapping[str, Any]) -> str:
    if paths["count"] == "0":
        return "no path from an input to an output"
    count = path_count(paths["count"]) + (" path" if paths["count"] == "1" else " paths")
    text = f"{paths['min']} to {paths['max']} weighted layers, mean {paths['mean']:.1f}, over {count}"
    effective = paths.get("effective")
    return text + (f"; effective mean {effective['mean']:.1f}" if effective else "")


def _memory(memory: Mapping[str, Any]) -> str:
    text = (
        f"{byte_size(memory['peak_inference_bytes'])} peak in inference, "
        f"{byte_size(memory['saved_for_backward_bytes'])} saved for backward"
    )
    if memory.get("concat_allocated_bytes"):
        text += (
            f"; concatenations {byte_size(memory['concat_allocated_bytes'])} for "
            f"{byte_size(memory['concat_distinct_bytes'])} of features (x{memory['concat_blowup']:.1f})"
        )
    return text


def path_count(digits: str) -> str:
    """A number of paths as people read it, such as ``65,536`` or ``1.8e16``."""
    # The report's integers may have more digits than int() will take or a float can hold.
    if len(digits) < 10:
        return f"{int(digits):,}"
    return f"{digits[0]}.{digits[1]}e{len(digits) - 1}"
