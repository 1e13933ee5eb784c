"""What an analysis says about the paths of one model, in the terms of the report."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.analysis.gradients import EffectivePaths
    from skiplint.analysis.paths import Paths
    from skiplint.analysis.paths.lengths import PathLengths, Unit
    from skiplint.graph import ModelGraph

PERCENTILES = (5, 25, 50, 75, 95)
MOST_BYTES = 4 * 10**9
"""Additions that read more than this (a second, about) are left to those who ask for them from Python."""
_LEAST = 1e-12
"""A part of the gradient below this is left out."""


def describe_paths(analysis: Analysis, *, gradients: bool = False) -> Mapping[str, Any] | None:
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
    return {
        **_lengths(paths.layers, _effective(effective, "layers")),
        "blocks": _lengths(paths.blocks, _effective(effective, "blocks")),
        "pairs": _pairs(paths),
        "layers": _layers(paths, analysis.graph),
        "skips": _skips(paths, analysis.graph),
    }


def _lengths(lengths: PathLengths, effective: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "unit": lengths.unit,
        "count": _digits(lengths.count),
        "histogram": {str(length): _digits(number) for length, number in lengths.histogram.items()},
        "min": lengths.min,
        "mean": float(lengths.mean),
        "sd": lengths.sd,
        "max": lengths.max,
        "percentiles": {str(percent): lengths.percentile(percent) for percent in PERCENTILES},
        "effective": effective,
    }


def _effective(found: EffectivePaths | None, unit: Unit) -> dict[str, Any] | None:
    if found is None:
        return None
    lengths = found.layers if unit == "layers" else found.blocks
    parts = {str(length): float(f"{part:.9g}") for length, part in lengths.histogram.items() if part > _LEAST}
    return {
        "histogram": parts,
        "mean": lengths.mean,
        "sd": lengths.sd,
        "percentiles": {str(percent): lengths.percentile(percent) for percent in PERCENTILES},
        "mode": "training" if found.training else "evaluation",
        "woken": list(found.woken),
    }


def _pairs(paths: Paths) -> list[dict[str, Any]]:
    """Nothing where there is one input and one output: the total says it all."""
    if len(paths.pairs) < 2:
        return []
    return [
        {
            "input": pair.input,
            "output": pair.output,
            "layers": _lengths(pair.layers),
            "blocks": _lengths(pair.blocks),
        }
        for pair in paths.pairs
    ]


def _layers(paths: Paths, graph: ModelGraph) -> list[dict[str, Any]]:
    return [
        {
            "node": graph.operations[layer.operation].id,
            "count": _digits(layer.count),
            "share": float(layer.share),
            "distance": layer.distance,
        }
        for layer in paths.through
    ]


def _skips(paths: Paths, graph: ModelGraph) -> list[dict[str, Any]]:
    return [
        {
            "join_node": graph.operations[skip.join].id,
            "count": _digits(skip.count),
            "share": float(skip.share),
            "block_share": float(skip.block_share),
        }
        for skip in paths.shortcuts
    ]


def _digits(number: int) -> str:
    # str(int) refuses numbers of more than 4,300 digits, Decimal does not.
    return str(Decimal(number))
