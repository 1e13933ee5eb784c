"""The paths of a model as a part of the report."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from skiplint.reporting.sections import (
    EffectiveReport,
    LayerPaths,
    LengthsReport,
    PairPaths,
    PathsReport,
    SkipPaths,
)

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.analysis.gradients import EffectivePaths
    from skiplint.analysis.gradients.effective import EffectiveLengths
    from skiplint.analysis.paths import Paths
    from skiplint.analysis.paths.lengths import PathLengths
    from skiplint.graph import ModelGraph

PERCENTILES = (5, 25, 50, 75, 95)
MOST_BYTES = 4 * 10**9
"""Paths are not counted for a report if the additions would read more bytes than this (about a second)."""
_LEAST = 1e-12
"""Parts of the gradient below this are left out."""


def describe_paths(analysis: Analysis, *, gradients: bool = False) -> PathsReport | None:
    """The path lengths in both units, and what lies on the paths; None where that would take too long.

    Args:
        analysis: the model.
        gradients: measure the effective path lengths too.

    Raises:
        GradientError: no gradient can be measured, and ``gradients`` asks for it.
    """
    paths = analysis.paths
    effective = analysis.gradients.effective if gradients else None
    if paths.cost > MOST_BYTES:
        return None
    return PathsReport(
        **_figures(paths.layers),
        effective=_effective(effective, effective.layers) if effective else None,
        blocks=LengthsReport(
            **_figures(paths.blocks),
            effective=_effective(effective, effective.blocks) if effective else None,
        ),
        pairs=_pairs(paths),
        layers=_layers(paths, analysis.graph),
        skips=_skips(paths, analysis.graph),
    )


def _figures(lengths: PathLengths) -> dict[str, Any]:
    """The fields of :class:`LengthsReport`."""
    return {
        "unit": lengths.unit,
        "count": _digits(lengths.count),
        "histogram": {length: _digits(number) for length, number in lengths.histogram.items()},
        "min": lengths.min,
        "mean": float(lengths.mean),
        "sd": lengths.sd,
        "max": lengths.max,
        "percentiles": {percent: lengths.percentile(percent) for percent in PERCENTILES},
    }


def _effective(found: EffectivePaths, lengths: EffectiveLengths) -> EffectiveReport:
    return EffectiveReport(
        histogram={
            length: float(f"{part:.9g}") for length, part in lengths.histogram.items() if part > _LEAST
        },
        mean=lengths.mean,
        sd=lengths.sd,
        percentiles={percent: lengths.percentile(percent) for percent in PERCENTILES},
        mode="training" if found.training else "evaluation",
        woken=tuple(found.woken),
    )


def _pairs(paths: Paths) -> tuple[PairPaths, ...]:
    """The paths by input and output; empty where there is one of each and the total is enough."""
    if len(paths.pairs) < 2:
        return ()
    return tuple(
        PairPaths(
            input=pair.input,
            output=pair.output,
            layers=LengthsReport(**_figures(pair.layers)),
            blocks=LengthsReport(**_figures(pair.blocks)),
        )
        for pair in paths.pairs
    )


def _layers(paths: Paths, graph: ModelGraph) -> tuple[LayerPaths, ...]:
    return tuple(
        LayerPaths(
            node=graph.operations[layer.operation].id,
            count=_digits(layer.count),
            share=float(layer.share),
            distance=layer.distance,
        )
        for layer in paths.through
    )


def _skips(paths: Paths, graph: ModelGraph) -> tuple[SkipPaths, ...]:
    return tuple(
        SkipPaths(
            join_node=graph.operations[skip.join].id,
            count=_digits(skip.count),
            share=float(skip.share),
            block_share=float(skip.block_share),
        )
        for skip in paths.shortcuts
    )


def _digits(number: int) -> str:
    # str(int) refuses numbers of more than 4,300 digits, Decimal does not.
    return str(Decimal(number))
