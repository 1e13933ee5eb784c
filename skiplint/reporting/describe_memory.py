"""The memory of a model as a part of the report: the figures, how they grow, and whether they fit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from skiplint.reporting.sections import (
    AliveStorage,
    BudgetReport,
    ConcatenationReport,
    CopiedFeature,
    GrowthReport,
    HeldStorage,
    MemoryReport,
    SavedStorage,
    StorageReport,
)

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.analysis.memory import Memory
    from skiplint.analysis.memory.budget import Optimizer
    from skiplint.analysis.memory.scaling import Scaling
    from skiplint.graph import ModelGraph

_LARGEST = 10
"""Entries in each list of the largest contributors."""
_SPANS = 240
"""Points of the timeline; a plot of a long run shows no more."""


def describe_memory(analysis: Analysis) -> MemoryReport | None:
    """The figures of the report, in exact bytes; None for a graph without the functions that it calls."""
    memory, graph = analysis.memory, analysis.graph
    if graph.fx_builder is None:
        return None
    return MemoryReport(
        peak_inference_bytes=memory.peak.nbytes,
        saved_for_backward_bytes=memory.saved.nbytes,
        concat_allocated_bytes=memory.totals.allocated,
        concat_distinct_bytes=memory.totals.distinct,
        concat_blowup=round(memory.totals.blowup, 4),
        peak_without_concat_bytes=memory.peak_without_concatenations,
        saved_without_concat_bytes=memory.saved_without_concatenations,
        input_bytes=memory.input_bytes,
        state_bytes=memory.state_bytes,
        peak_node=graph.operations[memory.peak.operation].id if len(graph) else None,
        timeline=_timeline(memory.timeline),
        at_peak=_at_peak(graph, memory),
        held_by_skips=_held_by_skips(graph, memory),
        saved=_saved(memory),
        saved_mode="training" if memory.training_graph.training else "evaluation",
        concatenations=_concatenations(graph, memory),
        most_copied=_most_copied(graph, memory),
        estimated_nodes=tuple(memory.training_graph.operations[index].id for index in memory.saved.assumed),
    )


def describe_growth(analysis: Analysis) -> dict[str, GrowthReport]:
    """How the figures grow with each dimension of the inputs; the model is traced again at other sizes."""
    from skiplint.analysis.memory.scaling import find_scalings

    return {scaling.dimension: _growth(scaling) for scaling in find_scalings(analysis)}


def describe_budget(analysis: Analysis, nbytes: int, optimizer: Optimizer) -> BudgetReport:
    """Whether a training step at the batch of the inputs fits into ``nbytes``."""
    from skiplint.analysis.memory.budget import Budget, judge
    from skiplint.analysis.memory.sizes import SizeError

    try:
        verdict = judge(analysis, Budget(nbytes, None, optimizer))
    except SizeError as error:
        return BudgetReport(budget_bytes=nbytes, reason=str(error))
    step = verdict.step
    return BudgetReport(
        budget_bytes=nbytes,
        batch=step.batch,
        fits=verdict.fits,
        total_bytes=step.total,
        over_bytes=max(0, verdict.over),
        largest_batch=verdict.largest,
        optimizer=optimizer,
        weight_bytes=step.weights,
        gradient_bytes=step.gradients,
        optimizer_bytes=step.optimizer,
        activation_bytes=step.activations,
        input_bytes=step.inputs,
        joins=tuple(
            StorageReport(node=each.operation.id, bytes=each.nbytes) for each in verdict.joins[:_LARGEST]
        ),
    )


def _growth(scaling: Scaling) -> GrowthReport:
    growth = scaling.growth
    if growth is None:
        return GrowthReport(reason=scaling.reason)
    laws = {name: law for name, law in growth.fits.items() if law is not None}
    return GrowthReport(
        sizes=growth.sizes,
        bytes=dict(growth.bytes),
        exponents={name: round(law.exponent, 4) for name, law in laws.items()},
        fit_error={name: round(law.error, 6) for name, law in laws.items()},
        checked_at=scaling.checked_at,
        check_error={name: round(error, 6) for name, error in scaling.errors.items()},
    )


def _timeline(alive: Sequence[int]) -> tuple[int, ...]:
    """The most bytes alive in each of at most 240 equal spans of the run."""
    spans = min(len(alive), _SPANS)
    bounds = [len(alive) * span // spans for span in range(spans + 1)] if spans else []
    return tuple(max(alive[start:stop]) for start, stop in pairwise(bounds))


def _most_copied(graph: ModelGraph, memory: Memory) -> tuple[CopiedFeature, ...]:
    return tuple(
        CopiedFeature(node=graph.operations[feature.producer].id, bytes=feature.nbytes, copies=copies)
        for feature, copies in memory.totals.copies[:_LARGEST]
        if copies > 1
    )


def _at_peak(graph: ModelGraph, memory: Memory) -> tuple[AliveStorage, ...]:
    names = graph.operations
    return tuple(
        AliveStorage(node=names[each.born].id, bytes=each.nbytes, until=names[each.dies].id)
        for each in memory.peak.alive[:_LARGEST]
    )


def _held_by_skips(graph: ModelGraph, memory: Memory) -> tuple[HeldStorage, ...]:
    names = graph.operations
    return tuple(
        HeldStorage(
            node=names[held.born].id,
            bytes=held.nbytes,
            idle_from=names[held.idle_from].id,
            join_node=names[held.join].id,
            skip=held.skip,
        )
        for held in memory.held_skips[:_LARGEST]
    )


def _saved(memory: Memory) -> tuple[SavedStorage, ...]:
    names = memory.training_graph.operations
    largest = sorted(
        (each for each in memory.saved.storages if each.origin != "state"),
        key=lambda each: (-each.nbytes, each.maker),
    )
    return tuple(
        SavedStorage(
            node=names[each.maker].id,
            bytes=each.nbytes,
            readers=tuple(names[index].id for index in each.savers),
        )
        for each in largest[:_LARGEST]
    )


def _concatenations(graph: ModelGraph, memory: Memory) -> tuple[ConcatenationReport, ...]:
    largest = sorted(memory.concatenations, key=lambda each: (-each.allocated, each.operation))
    return tuple(
        ConcatenationReport(
            node=graph.operations[each.operation].id,
            allocated_bytes=each.allocated,
            distinct_bytes=each.distinct,
            features=len(each.features),
        )
        for each in largest[:_LARGEST]
    )
