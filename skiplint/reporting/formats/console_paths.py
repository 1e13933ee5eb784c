"""Path lengths at the terminal: the figures in both units, a histogram, and the paths by layer and skip."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import reduce
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from skiplint.analysis.paths.words import path_count
from skiplint.display.facts import counted
from skiplint.reporting.formats.console_models import model_head
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import figures_table, to_text
from skiplint.reporting.report import ModelReport, Report
from skiplint.reporting.sections import (
    EffectiveReport,
    LayerPaths,
    LengthsReport,
    SkipPaths,
)

_ROWS = 30
"""Most bars, not counting the tails; more lengths than that share bars."""
_TAIL = Decimal("0.0005")
"""The part of all paths at either end that may be put into one bar."""
_LEAST_BAR, _MOST_BAR = 10, 60
_EIGHTHS = " ▏▎▍▌▋▊▉"
_TOO_MANY = "too many paths to list exactly in good time; skiplint.analyze(...).paths works them out"


class Bin(NamedTuple):
    """The paths of one bar."""

    low: int
    high: int
    share: float
    effective: float = 0.0
    """The part of the gradient that they carry, where that was measured."""


def path_tables(report: Report, style: Style, unit: str | None = None) -> str:
    """The path lengths of every traced model, with all layers and skips when verbose.

    Args:
        report: the report.
        style: how it is to look.
        unit: of the histogram, ``layers`` or ``blocks``; None for blocks where the model has any.
    """
    traced = [model for model in report.models if model.status == "traced"]
    blocks = [Padding(Group(*_model(model, style, unit)), (0, 0, 1, 0)) for model in traced]
    return to_text(Group(*blocks), style) if blocks else ""


def _model(model: ModelReport, style: Style, unit: str | None) -> list[RenderableType]:
    head = model_head(model)
    paths = model.paths
    if paths is None or paths.count == "0":
        return [head, Text(f"  {_TOO_MANY if paths is None else 'no path from an input to an output'}")]
    in_blocks = unit == "blocks" or (unit is None and paths.blocks.max)
    chosen = paths.blocks if in_blocks else paths
    parts: list[RenderableType] = [
        _figures("unit", [*_units(paths), *_units(paths.blocks)], style),
        _chart(chosen, style),
    ]
    if paths.effective and paths.effective.woken:
        woken = ", ".join(paths.effective.woken)
        parts.append(Text(f"small random numbers stood for zeros that let no gradient pass: {woken}"))
    if paths.pairs:
        named = [
            (f"{pair.input} to {pair.output}", pair.blocks if in_blocks else pair.layers)
            for pair in paths.pairs
        ]
        parts.append(_figures(f"pair, in {chosen.unit}", named, style))
    if style.verbosity > 0:
        parts += [_layers(paths.layers), _skips(paths.skips)]
    return [head, *(Padding(part, (1, 0, 0, 2)) for part in parts)]


def _units(lengths: LengthsReport) -> list[tuple[str, LengthsReport | EffectiveReport]]:
    """A unit's row, and one of the paths weighted by the gradient if that was measured."""
    rows: list[tuple[str, LengthsReport | EffectiveReport]] = [(lengths.unit, lengths)]
    if lengths.effective:
        rows.append((f"{lengths.unit}, by gradient", lengths.effective))
    return rows


def _figures(title: str, rows: Sequence[tuple[str, LengthsReport | EffectiveReport]], style: Style) -> Table:
    percents = list(rows[0][1].percentiles) if style.width >= 90 else []
    marks = [f"{percent}%" for percent in percents]
    table = figures_table(title, "paths", "shortest", "mean", "sd", *marks, "longest")
    for name, lengths in rows:
        percentiles = (str(lengths.percentiles[percent]) for percent in percents)
        middle = f"{lengths.mean:.2f}", f"{lengths.sd:.2f}", *percentiles
        if isinstance(lengths, LengthsReport):
            table.add_row(name, path_count(lengths.count), str(lengths.min), *middle, str(lengths.max))
        else:
            table.add_row(name, "", "", *middle, "")
    return table


def _chart(lengths: LengthsReport, style: Style) -> Table:
    effective = lengths.effective
    bins = histogram_bins(lengths.histogram, _ROWS, effective.histogram if effective else {})
    most = max(max(each.share, each.effective) for each in bins)
    sides = 2 if effective else 1
    room = min(_MOST_BAR, max(_LEAST_BAR, style.width - 30) // sides)
    table = figures_table(lengths.unit, "paths" if effective else "share")
    table.columns[0].no_wrap = True
    table.add_column(no_wrap=True)
    if effective:
        table.add_column("gradient", justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
    for each in bins:
        label = str(each.low) if each.low == each.high else f"{each.low}-{each.high}"
        row: list[str | Text] = [
            label,
            _percent(each.share),
            Text(_bar(each.share / most * room), style="green"),
        ]
        if effective:
            row += [_percent(each.effective), Text(_bar(each.effective / most * room), style="magenta")]
        table.add_row(*row)
    return table


def histogram_bins(
    histogram: Mapping[int, str], rows: int, effective: Mapping[int, float] = MappingProxyType({})
) -> list[Bin]:
    """At most ``rows`` bins of equal width, and one bin for each tail.

    Every bin covers equally many of the lengths that can occur (for example all even ones), so that binning
    adds no pattern. A length is in a tail if it is in the tails of both distributions.

    Args:
        histogram: number of paths by length, as strings of digits.
        rows: most bins, not counting the tails.
        effective: part of the gradient by length, where it was measured.
    """
    numbers = {length: Decimal(count) for length, count in histogram.items()}
    parts = {length: part for length, part in effective.items() if length in numbers}
    low, high = min(numbers), max(numbers)
    step = reduce(math.gcd, (length - low for length in numbers), 0) or 1
    first, last = _body(numbers)
    if parts:
        other = _body({length: Decimal(parts.get(length, 0.0)) for length in numbers})
        first, last = min(first, other[0]), max(last, other[1])
    width = step * -(-((last - first) // step + 1) // rows)
    edges = [(start, min(start + width - step, last)) for start in range(first, last + 1, width)]
    if low < first:
        edges.insert(0, (low, first - step))
    if last < high:
        edges.append((last + step, high))
    starts = [start for start, _ in edges]
    sums = [Decimal(0)] * len(edges)
    carried = [0.0] * len(edges)
    for length, number in numbers.items():
        at = bisect_right(starts, length) - 1
        sums[at] += number
        carried[at] += parts.get(length, 0.0)
    total = sum(sums)
    shares = [float(number / total) for number in sums]
    return [Bin(*edge, share, part) for edge, share, part in zip(edges, shares, carried, strict=True)]


def _body(numbers: Mapping[int, Decimal]) -> tuple[int, int]:
    """The lengths between the tails."""
    lengths = sorted(numbers)
    tail = _TAIL * sum(numbers.values())
    left = list(accumulate(numbers[length] for length in lengths))
    right = list(accumulate(numbers[length] for length in reversed(lengths)))
    return lengths[bisect_right(left, tail)], lengths[-1 - bisect_right(right, tail)]


def _layers(layers: Sequence[LayerPaths]) -> Table:
    table = figures_table("weighted layer", "paths", "share", "to the output")
    for layer in layers:
        distance = "no way" if layer.distance is None else counted(layer.distance, "layer")
        table.add_row(layer.node, path_count(layer.count), _percent(layer.share), distance)
    return table


def _skips(skips: Sequence[SkipPaths]) -> Table:
    table = figures_table("shortcut into", "paths", "share in layers", "in blocks")
    for skip in skips:
        shares = _percent(skip.share), _percent(skip.block_share)
        table.add_row(skip.join_node, path_count(skip.count), *shares)
    return table


def _percent(share: float) -> str:
    """A percentage with two decimals, or a power of ten where that would be 0."""
    percent = 100 * share
    return f"{percent:.2f}%" if percent >= 0.005 or not percent else f"{percent:.0e}%"


def _bar(length: float) -> str:
    full, part = divmod(round(8 * length), 8)
    return ("█" * full + _EIGHTHS[part]).rstrip() or ("▏" if length else "")
