"""The geometry of the pictures: skips as arcs, live bytes over time, path lengths."""

from __future__ import annotations

from dataclasses import dataclass

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.reporting.formats.console_paths import histogram_bins
from skiplint.reporting.report import ModelReport, SkipReport
from skiplint.reporting.sections import LengthsReport, MemoryReport

WIDTH = 960
"""Of every picture, in pixels; they shrink with the page."""
_MARGIN = 12
_ARC_HEIGHT = 170
_BARS = 40


@dataclass(frozen=True, slots=True)
class Arc:
    """One skip, as a curve from its fork to its join."""

    path: str
    """The curve, as the ``d`` of an SVG path."""
    kind: str
    projection: bool
    title: str


@dataclass(frozen=True, slots=True)
class Arcs:
    """All skips of a model over a line that stands for the forward, from first to last operation."""

    arcs: tuple[Arc, ...]
    height: int
    baseline: int
    marks: tuple[float, ...]
    """x of the joins on the line."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram with its label."""

    x: float
    y: float
    width: float
    height: float
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Area:
    """Live bytes over the forward."""

    outline: str
    """The points of an SVG polygon."""
    most: str
    height: int


def arcs(model: ModelReport) -> Arcs | None:
    """The skips of ``model`` as arcs, long ones first so that short ones lie above them."""
    if not model.skips:
        return None
    last = max(skip.join_index for skip in model.skips)
    first = min(skip.fork_index for skip in model.skips)
    scale = (WIDTH - 2 * _MARGIN) / max(last - first, 1)

    def place(index: int) -> float:
        return round(_MARGIN + (index - first) * scale, 1)

    widest = max(place(skip.join_index) - place(skip.fork_index) for skip in model.skips)
    height = min(_ARC_HEIGHT, max(40.0, widest / 2))
    baseline = round(height) + 16
    ordered = sorted(model.skips, key=lambda skip: skip.fork_index - skip.join_index)
    drawn = tuple(
        Arc(
            _curve(place(skip.fork_index), place(skip.join_index), baseline, widest, height),
            skip.kind,
            skip.shortcut == "projection",
            _arc_title(skip),
        )
        for skip in ordered
    )
    marks = tuple(sorted({place(skip.join_index) for skip in model.skips}))
    return Arcs(drawn, baseline + 14, baseline, marks)


def _curve(start: float, end: float, baseline: float, widest: float, height: float) -> str:
    """A Bézier curve whose height grows with the width of the skip relative to the widest."""
    reach = (end - start) / widest if widest else 0
    # The top of a cubic Bézier with both handles at height h is at three quarters of h.
    top = round(baseline - (12 + (height - 12) * reach**0.6) / 0.75, 1)
    return f"M{start} {baseline} C{start} {top} {end} {top} {end} {baseline}"


def _arc_title(skip: SkipReport) -> str:
    return (
        f"{skip.kind}, {skip.shortcut}: {skip.fork_node} to {skip.join_node}, "
        f"around {skip.span} weighted layers"
    )


def timeline(memory: MemoryReport | None, height: int = 120) -> Area | None:
    """Live bytes as an area; None where they are not known."""
    alive = memory.timeline if memory else ()
    most = max(alive, default=0)
    if not most:
        return None
    step = (WIDTH - 2 * _MARGIN) / max(len(alive) - 1, 1)
    points = [
        f"{_MARGIN + index * step:.1f},{height - (height - 8) * number / most:.1f}"
        for index, number in enumerate(alive)
    ]
    ends = (f"{_MARGIN},{height}", f"{WIDTH - _MARGIN},{height}")
    return Area(" ".join((ends[0], *points, ends[1])), byte_size(most), height)


def histogram(paths: LengthsReport | None, height: int = 120) -> tuple[Bar, ...]:
    """Bars of the share of paths by length; empty where there is only one length."""
    if paths is None or len(paths.histogram) < 2:
        return ()
    bins = histogram_bins(paths.histogram, _BARS)
    most = max(each.share for each in bins)
    width = (WIDTH - 2 * _MARGIN) / len(bins)
    every = -(-len(bins) // 16)
    bars = []
    for index, (low, high, share, _) in enumerate(bins):
        label = str(low) if low == high else f"{low}-{high}"
        tall = (height - 20) * share / most
        bars.append(
            Bar(
                round(_MARGIN + index * width, 1),
                round(height - tall, 1),
                round(max(width - 2, 1), 1),
                round(tall, 1),
                label if index % every == 0 else "",
                f"length {label}: {100 * share:.3g}% of the paths",
            )
        )
    return tuple(bars)
