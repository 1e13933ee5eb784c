"""The memory of one model in the terms of the report."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.analysis.memory import Memory
    from skiplint.graph import ModelGraph

_LARGEST = 10
"""As many entries has each list of the largest contributors."""
_SPANS = 240
"""Points of the timeline; a plot shows no more of a long run."""


def describe_memory(analysis: Analysis) -> dict[str, Any] | None:
    """The figures of the report, all in exact bytes; None for a graph without the functions it called."""
    memory, graph = analysis.memory, analysis.graph
    if graph.fx_builder is None:
        return None
    return {
        "peak_inference_bytes": memory.peak.nbytes,
        "saved_for_backward_bytes": memory.saved.nbytes,
        "concat_allocated_bytes": memory.totals.allocated,
        "concat_distinct_bytes": memory.totals.distinct,
        "concat_blowup": round(memory.totals.blowup, 4),
        "peak_without_concat_bytes": memory.peak_without_concatenations,
        "saved_without_concat_bytes": memory.saved_without_concatenations,
        "input_bytes": memory.input_bytes,
        "state_bytes": memory.state_bytes,
        "peak_node": graph.operations[memory.peak.operation].id if len(graph) else None,
        "timeline": _timeline(memory.timeline),
        "at_peak": _at_peak(graph, memory),
        "held_by_skips": _held_by_skips(graph, analysis),
        "saved": _saved(memory),
        "saved_mode": "training" if memory.training_graph.training else "evaluation",
        "concatenations": _concatenations(graph, memory),
        "most_copied": _most_copied(graph, memory),
        "estimated_nodes": [memory.training_graph.operations[index].id for index in memory.saved.assumed],
    }


def _timeline(alive: Sequence[int]) -> list[int]:
    """The most that is alive in each of at most as many equal spans of the run."""
    spans = min(len(alive), _SPANS)
    bounds = [len(alive) * span // spans for span in range(spans + 1)] if spans else []
    return [max(alive[start:stop]) for start, stop in pairwise(bounds)]


def _most_copied(graph: ModelGraph, memory: Memory) -> list[dict[str, Any]]:
    return [
        {"node": graph.operations[feature.producer].id, "bytes": feature.nbytes, "copies": copies}
        for feature, copies in memory.totals.copies[:_LARGEST]
        if copies > 1
    ]


def _at_peak(graph: ModelGraph, memory: Memory) -> list[dict[str, Any]]:
    names = graph.operations
    return [
        {"node": names[each.born].id, "bytes": each.nbytes, "until": names[each.dies].id}
        for each in memory.peak.alive[:_LARGEST]
    ]


def _held_by_skips(graph: ModelGraph, analysis: Analysis) -> list[dict[str, Any]]:
    names = graph.operations
    return [
        {
            "node": names[held.born].id,
            "bytes": held.nbytes,
            "idle_from": names[held.idle_from].id,
            "join_node": names[held.join].id,
            "skip": held.skip,
        }
        for held in analysis.memory.held_skips[:_LARGEST]
    ]


def _saved(memory: Memory) -> list[dict[str, Any]]:
    names = memory.training_graph.operations
    largest = sorted(
        (each for each in memory.saved.storages if each.origin != "state"),
        key=lambda each: (-each.nbytes, each.maker),
    )
    return [
        {"node": names[each.maker].id, "bytes": each.nbytes, "for": [names[i].id for i in each.savers]}
        for each in largest[:_LARGEST]
    ]


def _concatenations(graph: ModelGraph, memory: Memory) -> list[dict[str, Any]]:
    largest = sorted(memory.concatenations, key=lambda each: (-each.allocated, each.operation))
    return [
        {
            "node": graph.operations[each.operation].id,
            "allocated_bytes": each.allocated,
            "distinct_bytes": each.distinct,
            "features": len(each.features),
        }
        for each in largest[:_LARGEST]
    ]
