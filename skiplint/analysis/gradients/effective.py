"""How long the paths are that carry the gradient: every path weighted by the product of gains along it.

See docs/paths.md for what this assumes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from skiplint.analysis.gradients.gains import Gains, measure_gains
from skiplint.analysis.gradients.masses import masses, moments
from skiplint.analysis.gradients.measure import GradientError, Loss, run_on_tape
from skiplint.analysis.gradients.shares import SkipShare, skip_shares
from skiplint.analysis.skips import Skip, find_skips
from skiplint.display.facts import Facts, Shown
from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    from skiplint.tracing import Subject


_WAKINGS = 4
"""Layers of zeros in a row that are looked through."""


@dataclass(frozen=True)
class EffectiveLengths:
    """Which part of the gradient comes by paths of each length."""

    unit: Literal["layers", "blocks"]
    histogram: Mapping[int, float]
    """Part by length, in ascending order; the sum is 1."""

    @cached_property
    def mean(self) -> float:
        """The mean length."""
        return moments(self.histogram)[0]

    @cached_property
    def sd(self) -> float:
        """The standard deviation of the length."""
        return moments(self.histogram)[1]

    def share(self, low: int, high: int) -> float:
        """Which part comes by paths of length ``low`` to ``high``, both included."""
        return sum(part for length, part in self.histogram.items() if low <= length <= high)

    def percentile(self, percent: float) -> int:
        """The least length whose paths, with all shorter ones, carry ``percent`` of the gradient."""
        seen = 0.0
        for length, part in self.histogram.items():
            seen += part
            if 100 * seen >= percent * (1 - 1e-12):
                return length
        return next(reversed(list(self.histogram)), 0)


@dataclass(frozen=True, repr=False)
class EffectivePaths(Shown):
    """The effective path lengths of one model on its real weights."""

    graph: ModelGraph
    """The forward that was measured, in the mode that was measured."""
    skips: tuple[Skip, ...]
    """Its skips."""
    gains: Gains
    layers: EffectiveLengths
    blocks: EffectiveLengths
    training: bool
    """Measured in training mode; else in evaluation mode."""
    woken: tuple[str, ...] = ()
    """Parameters that are all zero and let no gradient pass, so that small random numbers stood for them."""

    def __repr__(self) -> str:
        return f"EffectivePaths({self.graph.name!r})"

    def _headline(self) -> str:
        return f"Effective path lengths of {self.graph.name}"

    def _facts(self) -> Facts:
        facts = [
            (f"in {lengths.unit}", f"mean {lengths.mean:.2f}, standard deviation {lengths.sd:.2f}")
            for lengths in (self.layers, self.blocks)
            if lengths.histogram
        ]
        return [*facts, ("mode", "training" if self.training else "evaluation")]

    @cached_property
    def shares(self) -> tuple[SkipShare, ...]:
        """For each of ``skips`` the part of the gradient through its block and by its shortcuts."""
        return skip_shares(self.gains, self.skips)


def effective_paths(
    subject: Subject, *, loss: Loss | None = None, training: bool | None = None, seed: int = 0
) -> EffectivePaths:
    """Measure one forward and one backward of ``subject`` on its real weights.

    Args:
        subject: the live model.
        loss: a scalar of the model's output tensors; None for a random direction at each output.
        training: the mode; None for training mode, or evaluation mode where the forward refuses that.
        seed: of the random direction and of what the forward draws.

    Raises:
        GradientError: there are no values, no gradient, or none that is finite.
    """
    woken: tuple[str, ...] = ()
    for _ in range(_WAKINGS + 1):
        measured = run_on_tape(subject, loss=loss, training=training, seed=seed, woken=woken)
        skips = find_skips(measured.graph)
        try:
            gains = measure_gains(measured.graph, skips, measured.tape, measured.seeds)
        except ArithmeticError as error:
            raise GradientError(f"{measured.graph.name}: {error}") from error
        layers = masses(gains.layers)
        if layers:
            return EffectivePaths(
                measured.graph,
                skips,
                gains,
                EffectiveLengths("layers", layers),
                EffectiveLengths("blocks", masses(gains.blocks)),
                measured.training,
                woken,
            )
        more = _asleep(subject, measured.graph, gains)
        if not more:
            break
        woken = (*woken, *more)
    where = f"; it ends at {measured.graph.operations[gains.reached[-1]].id}" if gains.reached else ""
    raise GradientError(f"{measured.graph.name}: no gradient reaches an input{where}")


def _asleep(subject: Subject, graph: ModelGraph, gains: Gains) -> list[str]:
    """Weights that are all zero where the gradient ends, such as those that some heads start with."""
    parameters = dict(subject.real().named_parameters())
    found: dict[str, None] = {}
    for index in gains.reached:
        operation = graph.operations[index]
        if operation.weighted and index not in gains.passing:
            zero = [name for name in operation.parameters if name in parameters]
            found.update((name, None) for name in zero if not bool(parameters[name].any()))
    return [name for name in found if parameters[name].dim() > 1]
