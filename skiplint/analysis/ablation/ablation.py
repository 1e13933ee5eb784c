"""Run a model as it is, without each of its skips, and without any."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from skiplint.analysis.ablation.batch import Batch, as_given, on_an_arc
from skiplint.analysis.ablation.options import AblationOptions
from skiplint.analysis.ablation.probe import Plan, Probe, information, variance, weight_gradients
from skiplint.analysis.ablation.removal import NOTHING, Removal, removal_of, without
from skiplint.analysis.gradients import Gradients
from skiplint.analysis.gradients.measure import GradientError, random_gradients
from skiplint.analysis.paths import Paths
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips import Skip, find_skips
from skiplint.graph import ModelGraph
from skiplint.progress import tracked

if TYPE_CHECKING:
    from torch import Tensor, nn

    from skiplint.tracing import Subject

PARTS = 8
"""Number of equal parts of the depth in a gradient profile."""
_END = 10
"""The first and the last layers are one tenth of all."""
_MOST_BYTES = 10**8
"""Path lengths are not computed where that would take more bytes than this for each row."""


@dataclass(frozen=True, slots=True)
class Row:
    """Measurements of a model with some of its skips removed; inf or nan where it overflows."""

    removed: tuple[int, ...]
    """Indices of the joins that lost their shortcuts."""
    gradient: Mapping[int, float]
    """Norm of the gradient at the weights of each weighted layer, by operation in execution order."""
    join_variance: Mapping[int, float]
    """Variance of the elements at each join."""
    output_variance: float
    information: float | None
    """See :func:`information`, for the input of the last weighted layer; None if the batch is not known."""
    paths: Mapping[str, Any] | None
    """``count`` of the paths (an int); ``min``, ``mean`` and ``max`` of their lengths in weighted layers."""

    @property
    def first(self) -> float:
        """Geometric mean of the gradient norms of the first tenth of the weighted layers."""
        return _mean(list(self.gradient.values())[: self._end])

    @property
    def last(self) -> float:
        """The same for the last tenth."""
        return _mean(list(self.gradient.values())[-self._end :])

    @property
    def profile(self) -> list[float]:
        """The same for equal parts of the depth, from input to output."""
        norms = list(self.gradient.values())
        parts = min(PARTS, len(norms))
        edges = [round(part * len(norms) / parts) for part in range(parts + 1)] if parts else []
        return [_mean(norms[low:high]) for low, high in pairwise(edges)]

    @property
    def _end(self) -> int:
        return max(1, len(self.gradient) // _END)


@dataclass(frozen=True, slots=True)
class SeedRow:
    """Measurements with and without all skips, for one random initialisation."""

    seed: int
    first: float
    first_without: float
    information: float | None
    information_without: float | None


@dataclass(frozen=True)
class AblationOf:
    """The ablation of a traced model, run with ``options``; see :func:`ablate`."""

    options: AblationOptions = field(default_factory=AblationOptions)

    def compute(self, analysis: TracedModel) -> Ablation:
        """Run the model with its skips removed.

        Raises:
            GradientError: see :func:`ablate`, or only the graph is at hand.
        """
        return ablate(analysis.of(Gradients).subject, self.options)


@dataclass(frozen=True, slots=True)
class Ablation:
    """The measurements of one model."""

    graph: ModelGraph
    """The forward that was run; the indices in the rows are its operations'."""
    skips: tuple[Skip, ...]
    base: Row
    rows: tuple[Row, ...]
    """One a skip, in execution order."""
    sequential: Row | None
    """Without any skip; None for a model that has none."""
    seeds: tuple[SeedRow, ...]
    batch: int
    """Inputs in the batch; 1 where the model only takes its example inputs."""
    training: bool


def ablate(subject: Subject, options: AblationOptions = AblationOptions()) -> Ablation:  # noqa: B008
    """Run a model as it is, without each of its skips, and without all of them.

    The weights stay as they are; at the join zeros replace what is removed. The model runs in training mode,
    or in evaluation mode where it fails in training mode. The gradient is that of a random direction at the
    outputs.

    Raises:
        GradientError: the model cannot be built with values, or its forward fails.
    """
    runner = _Runner.started(subject, options)
    skips = find_skips(runner.plan.graph)
    watched = [skip.join for skip in skips]
    base = runner.row(NOTHING, (), watched, skips)
    rows = [
        runner.row(removal_of(runner.plan.graph, [skip]), (skip.join,), watched, skips)
        for skip in tracked(skips, "removing skips")
    ]
    everything = removal_of(runner.plan.graph, skips)
    sequential = runner.row(everything, tuple(watched), watched, skips) if skips else None
    seeds = tuple(_seed_rows(runner, subject, options, everything)) if skips else ()
    return Ablation(
        runner.plan.graph,
        skips,
        base,
        tuple(rows),
        sequential,
        seeds,
        len(runner.batch.distances),
        runner.training,
    )


def _seed_rows(
    runner: _Runner, subject: Subject, options: AblationOptions, everything: Removal
) -> Iterator[SeedRow]:
    from skiplint.tracing import SubjectError

    numbers = range(options.seed, options.seed + options.seeds)
    for seed in tracked(numbers, "initialising again"):
        try:
            model = subject.fresh(seed)
        except SubjectError as error:
            raise GradientError(str(error)) from error
        kept = runner.row(NOTHING, (), (), (), model=model, paths=False)
        lost = runner.row(everything, (), (), (), model=model, paths=False)
        yield SeedRow(seed, kept.first, lost.first, kept.information, lost.information)


@dataclass
class _Runner:
    subject: Subject
    options: AblationOptions
    batch: Batch
    training: bool
    plan: Plan

    @classmethod
    def started(cls, subject: Subject, options: AblationOptions) -> _Runner:
        """Choose the first batch and mode with which the forward runs."""
        from skiplint.tracing import SubjectError, TraceError

        first: Exception | None = None
        for batch in (on_an_arc(subject, options.batch, options.seed), as_given(subject, options.seed)):
            for training in (True, False):
                probe = Probe()
                try:
                    graph = subject.observe(
                        probe, args=batch.args, kwargs=batch.kwargs, training=training, seed=options.seed
                    )
                except (SubjectError, TraceError) as error:
                    first = error
                    continue
                return cls(subject, options, batch, training, Plan(graph, probe.numbers))
        raise GradientError(str(first)) from first

    def row(
        self,
        removal: Removal,
        removed: tuple[int, ...],
        watched: Sequence[int],
        skips: Sequence[Skip],
        *,
        model: nn.Module | None = None,
        paths: bool = True,
    ) -> Row:
        """Run the model once and measure it."""
        from skiplint.tracing import TraceError

        graph = self.plan.graph
        weighted = [operation.index for operation in graph if operation.weighted]
        probe = Probe(self.plan, removal, [*watched, *weighted[-1:]])
        outputs: list[Tensor] = []
        try:
            self.subject.observe(
                probe,
                model=model,
                args=self.batch.args,
                kwargs=self.batch.kwargs,
                training=self.training,
                seed=self.options.seed,
                keep=outputs,
            )
        except TraceError as error:
            raise GradientError(f"{graph.name} without the skip: {error}") from error
        used = model if model is not None else self.subject.real()
        seeds = random_gradients(outputs, self.options.seed)
        floating = [output for output, seed in zip(outputs, seeds, strict=True) if seed is not None]
        representation = probe.reads.get(weighted[-1]) if weighted else None
        return Row(
            removed,
            weight_gradients(graph, used, outputs, seeds),
            {index: probe.variances[index] for index in watched if index in probe.variances},
            variance(floating[0]) if floating else math.nan,
            None if representation is None else information(self.batch.distances, representation),
            self._paths(removal, removed, skips) if paths else None,
        )

    def _paths(
        self, removal: Removal, removed: tuple[int, ...], skips: Sequence[Skip]
    ) -> Mapping[str, Any] | None:
        left = [skip for skip in skips if skip.join not in removed]
        paths = Paths(without(self.plan.graph, removal), left)
        if paths.layers_cost > _MOST_BYTES:
            return None
        lengths = paths.layers
        return {"count": lengths.count, "min": lengths.min, "mean": float(lengths.mean), "max": lengths.max}


def _mean(norms: Sequence[float]) -> float:
    """The geometric mean, 0 if one is 0."""
    if not norms or not all(norm > 0 for norm in norms):
        return math.nan if any(math.isnan(norm) for norm in norms) else 0.0
    return math.exp(sum(map(math.log, norms)) / len(norms))
