"""Activation memory at the terminal: the figures, a timeline, and the largest contributors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import UnsetType
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.reporting.formats.console_models import model_head
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import to_text
from skiplint.reporting.report import ModelReport, Report
from skiplint.reporting.sections import BudgetReport, GrowthReport, MemoryReport

_LEVELS = " ▁▂▃▄▅▆▇█"
_ROWS = 5
"""Rows of a table, unless verbose."""
_BLAMED = 3
"""Joins that are named where a budget does not fit."""
Row = tuple[str, ...]
Fact = tuple[str, str]


def memory_tables(report: Report, style: Style, *, inference: bool, training: bool) -> str:
    """The memory of every traced model.

    Args:
        report: the report.
        style: how it is to look.
        inference: whether to show the peak of inference.
        training: whether to show what is saved for the backward pass.
    """
    blocks = [
        Padding(
            Group(*_model(model, model.memory, style, inference=inference, training=training)), (0, 0, 1, 0)
        )
        for model in report.models
        if model.memory is not None
    ]
    return to_text(Group(*blocks), style) if blocks else ""


def _model(
    model: ModelReport, memory: MemoryReport, style: Style, *, inference: bool, training: bool
) -> list[RenderableType]:
    limit = None if style.verbosity > 0 else _ROWS
    parts: list[RenderableType] = [model_head(model), Padding(_inputs(model), (0, 0, 0, 2))]
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="blue", no_wrap=True)
    facts.add_column()
    for label, value in _facts(memory, inference=inference, training=training):
        facts.add_row(label, value)
    parts.append(Padding(facts, (0, 0, 0, 2)))
    tables: list[tuple[str, tuple[str, ...], list[Row]]] = []
    if inference:
        line = sparkline(memory.timeline, max(20, style.width - 32))
        most = byte_size(max(memory.timeline, default=0))
        parts.append(Padding(Text(f"live bytes  {line}  max {most}"), (1, 0, 0, 2)))
        tables.append(("alive at the peak", ("bytes", "made by", "until"), _alive(memory)))
        heads = ("bytes", "made by", "idle from", "join")
        tables.append(("held over the peak by a skip", heads, _held(memory)))
    if training:
        tables.append(("saved for backward", ("bytes", "made by", "for"), _saved(memory)))
    tables.append(("concatenations", ("bytes", "where", "features", "ratio"), _joined(memory)))
    tables.append(("copied more than once", ("bytes", "feature", "copies"), _copied(memory)))
    parts.extend(_table(title, heads, rows[:limit]) for title, heads, rows in tables if rows)
    return parts


def _inputs(model: ModelReport) -> Text:
    shapes = ", ".join(f"{item.name} {list(item.shape)}" for item in model.inputs)
    return Text(shapes or "no inputs", style="dim")


def _facts(memory: MemoryReport, *, inference: bool, training: bool) -> list[Fact]:
    facts: list[Fact] = []
    if inference:
        peak = byte_size(memory.peak_inference_bytes)
        without = byte_size(memory.peak_without_concat_bytes)
        facts.append(("peak in inference", f"{peak} at {memory.peak_node}, {without} without concatenations"))
    if training:
        saved = byte_size(memory.saved_for_backward_bytes)
        without = byte_size(memory.saved_without_concat_bytes)
        facts.append(("saved for backward", f"{saved}, {without} without concatenations"))
    if memory.concat_allocated_bytes:
        allocated, distinct = (
            byte_size(memory.concat_allocated_bytes),
            byte_size(memory.concat_distinct_bytes),
        )
        facts.append(
            ("concatenations", f"{allocated} for {distinct} of features (x{memory.concat_blowup:.1f})")
        )
    state, inputs = byte_size(memory.state_bytes), byte_size(memory.input_bytes)
    facts.append(("beside these", f"{state} of parameters and buffers, {inputs} of inputs"))
    names = {"peak_inference": "peak in inference"} if inference else {}
    names |= {"saved_for_backward": "saved for backward"} if training else {}
    facts += _growth_facts(memory.growth or {}, {**names, "concat_allocated": "concatenations"})
    return [*facts, *_budget_facts(memory.budget)] if memory.budget else facts


def _growth_facts(growth: Mapping[str, GrowthReport], names: Mapping[str, str]) -> list[Fact]:
    """The power law of each figure in ``names`` (key to words), and how well the fits hold."""
    known = {dimension: each for dimension, each in growth.items() if each.reason is None}
    lines = []
    for key, words in names.items():
        powers = [
            f"{name}^{each.exponents[key]:.2f}" for name, each in known.items() if key in each.exponents
        ]
        if powers:
            lines.append(f"{words} with {', '.join(powers)}")
    if lines:
        lines.append(f"between the sizes of the fits {_checks(known, list(names))}")
    lines += [f"not known with {name}: {each.reason}" for name, each in growth.items() if each.reason]
    return [("grows" if not place else "", line) for place, line in enumerate(lines)]


def _checks(known: Mapping[str, GrowthReport], keys: Sequence[str]) -> str:
    """How far the fits are from traces at sizes that were not fitted."""
    found = []
    for name, each in known.items():
        errors = [abs(error) for key, error in (each.check_error or {}).items() if key in keys]
        if errors:
            found.append(f"{max(errors):.1%} off at {name} {each.checked_at}")
    return ", ".join(found)


def _budget_facts(budget: BudgetReport) -> list[Fact]:
    """Whether training fits, the bytes it takes, and what takes most of them."""
    if budget.reason is not None:
        return [("budget", f"cannot be told: {budget.reason}")]
    total, limit = byte_size(budget.total_bytes or 0), byte_size(budget.budget_bytes)
    verdict = (
        f"fits into {limit}" if budget.fits else f"{byte_size(budget.over_bytes or 0)} more than the {limit}"
    )
    parts = {
        "saved activations": budget.activation_bytes,
        "weights": budget.weight_bytes,
        "gradients": budget.gradient_bytes,
        f"{budget.optimizer} states": budget.optimizer_bytes,
        "inputs": budget.input_bytes,
    }
    facts = [
        ("budget", f"training with batch {budget.batch} takes {total}: {verdict}"),
        ("", ", ".join(f"{name} {byte_size(size)}" for name, size in parts.items() if size)),
        ("", _largest(budget.largest_batch)),
    ]
    joins = ", ".join(f"{each.node} {byte_size(each.bytes)}" for each in (budget.joins or ())[:_BLAMED])
    return [*facts, ("", f"joins whose results take most: {joins}")] if joins else facts


def _largest(batch: int | UnsetType | None) -> str:
    if batch is None:
        return "the largest batch that fits cannot be told"
    return f"the largest batch that fits is {batch}" if batch else "not even a batch of 1 fits"


def sparkline(values: Sequence[int], width: int) -> str:
    """One character for each of at most ``width`` spans, as high as the largest value in it."""
    most = max(values, default=0)
    spans = min(width, len(values))
    if not most:
        return ""
    highest = [
        max(values[len(values) * span // spans : len(values) * (span + 1) // spans]) for span in range(spans)
    ]
    return "".join(_LEVELS[-(-value * (len(_LEVELS) - 1) // most)] for value in highest)


def _alive(memory: MemoryReport) -> list[Row]:
    return [(byte_size(each.bytes), each.node, each.until) for each in memory.at_peak]


def _held(memory: MemoryReport) -> list[Row]:
    return [
        (byte_size(each.bytes), each.node, each.idle_from, each.join_node) for each in memory.held_by_skips
    ]


def _saved(memory: MemoryReport) -> list[Row]:
    return [(byte_size(each.bytes), each.node, _some(each.readers)) for each in memory.saved]


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _joined(memory: MemoryReport) -> list[Row]:
    return [
        (
            byte_size(each.allocated_bytes),
            each.node,
            str(each.features),
            f"{each.allocated_bytes / each.distinct_bytes:.1f}" if each.distinct_bytes else "",
        )
        for each in memory.concatenations
    ]


def _copied(memory: MemoryReport) -> list[Row]:
    return [(byte_size(each.bytes), each.node, str(each.copies)) for each in memory.most_copied]


def _table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> RenderableType:
    """The rows under a title."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        show_edge=False,
        header_style="",
    )
    for column in columns:
        number = column in ("bytes", "features", "ratio", "copies")
        table.add_column(column, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Padding(table, (1, 0, 0, 2))
