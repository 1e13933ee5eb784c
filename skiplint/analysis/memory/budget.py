"""Whether a training step fits into a budget, and the largest batch with which it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.analysis.memory.concatenations import find_concatenations
from skiplint.analysis.memory.resizing import Resizing
from skiplint.analysis.memory.sizes import SizeError, analysis_at, first_input
from skiplint.analysis.memory.totals import Memory
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips import Skip, Skips, find_skips
from skiplint.graph import ModelGraph, Operation

if TYPE_CHECKING:
    from torch import Tensor

Optimizer = Literal["adam", "sgd", "none"]
STATES: dict[Optimizer, int] = {"adam": 2, "sgd": 1, "none": 0}
"""Numbers that an optimizer keeps for each trained parameter: Adam two moments, SGD its momentum."""

_MOST = 2**20
"""The largest batch that is tried."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The memory to train in, and how the model is trained."""

    nbytes: int
    batch: int | None = None
    """None means the batch of the traced inputs."""
    optimizer: Optimizer = "adam"


@dataclass(frozen=True, slots=True)
class StepMemory:
    """The memory of one training step, in bytes."""

    batch: int
    weights: int
    """Parameters and buffers."""
    gradients: int
    """Those of the trained parameters."""
    optimizer: int
    activations: int
    """Saved for backward, inputs that are saved included."""
    inputs: int
    """Inputs that are not saved for backward; they are in memory nevertheless."""

    @property
    def total(self) -> int:
        """The sum. Temporary memory of the backward pass is not counted."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.inputs

    def __str__(self) -> str:
        parts = {
            "saved activations": self.activations,
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "inputs": self.inputs,
        }
        return ", ".join(f"{name} {byte_size(size)}" for name, size in parts.items() if size)


@dataclass(frozen=True, slots=True)
class JoinMemory:
    """A join and the bytes of its result that are saved for backward."""

    operation: Operation
    nbytes: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the training step of a model compares with a budget."""

    budget: Budget
    step: StepMemory
    """At the wanted batch."""
    largest: int | None
    """The largest batch that fits, 0 if none does; None if the batch of this model cannot be changed, or if
    no batch is too large."""
    joins: tuple[JoinMemory, ...]
    """At the wanted batch, largest first."""

    @property
    def over(self) -> int:
        """Bytes over the budget; negative where some are left."""
        return self.step.total - self.budget.nbytes

    @property
    def fits(self) -> bool:
        """Whether the step fits."""
        return self.over <= 0


def judge(analysis: TracedModel, budget: Budget) -> Verdict:
    """Measure a training step at the batch of ``budget``, and find the largest batch that fits.

    Raises:
        SizeError: the model does not run at the wanted batch.
    """
    steps = _Steps(analysis, budget.optimizer)
    wanted = budget.batch if budget.batch is not None else steps.traced
    at = steps.analysis(wanted)
    step = steps.measured(at, wanted)
    return Verdict(budget, step, _largest(steps.total, budget.nbytes), _blamed(at))


class _Steps:
    """Training steps of one model at any batch, each traced once."""

    def __init__(self, analysis: TracedModel, optimizer: Optimizer) -> None:
        self._analysis = analysis
        self._optimizer = optimizer
        shape = first_input(analysis)
        self.traced = shape[0] if shape else 1
        self._seen: dict[int, StepMemory] = {}

    def analysis(self, batch: int) -> TracedModel:
        """The model at this batch."""
        if batch == self.traced:
            return self._analysis
        return analysis_at(self._analysis, Resizing(batch))

    def total(self, batch: int) -> int:
        """Bytes of a step at this batch."""
        if batch not in self._seen:
            self.measured(self.analysis(batch), batch)
        return self._seen[batch].total

    def measured(self, analysis: TracedModel, batch: int) -> StepMemory:
        """The step of a model that was traced at this batch."""
        memory = analysis.of(Memory)
        inputs = sum(each.nbytes for each in memory.saved.storages if each.origin == "input")
        weights, trained = self._state
        self._seen[batch] = StepMemory(
            batch,
            weights,
            trained,
            STATES[self._optimizer] * trained,
            memory.saved.nbytes,
            max(0, memory.input_bytes - inputs),
        )
        return self._seen[batch]

    @cached_property
    def _state(self) -> tuple[int, int]:
        """Bytes of parameters and buffers, and of the parameters that are trained."""
        subject = self._analysis.subject
        if subject is None:
            return self._analysis.of(Memory).state_bytes, self._analysis.of(Memory).state_bytes
        parameters = {id(each): each for each in subject.model.parameters()}.values()
        buffers = {id(each): each for each in subject.model.buffers()}.values()
        trained = (each for each in parameters if each.requires_grad)
        return _bytes((*parameters, *buffers)), _bytes(trained)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _largest(total: Callable[[int], int], limit: int) -> int | None:
    """The largest batch whose ``total`` is within ``limit`` while that of the next is not; both are traced.

    The memory of a step is affine in the batch for almost all models, so the search starts where a line
    through two batches meets the limit, goes on in growing steps, and ends with a bisection.
    """
    try:
        few, more = total(2), total(4)
        slope = (more - few) // 2
        at = min(max(2 + (limit - few) // slope, 1), _MOST) if slope > 0 else _MOST
        fits, step = total(at) <= limit, 1
        fitting, failing = (at, None) if fits else (0, at)
        while fits and failing is None:
            if at == _MOST:
                return None
            at, step = min(at + step, _MOST), 2 * step
            fitting, failing = (at, None) if total(at) <= limit else (fitting, at)
        while not fits and not fitting and at > 1:
            at, step = max(at - step, 1), 2 * step
            fitting, failing = (at, failing) if total(at) <= limit else (0, at)
        while failing is not None and failing - fitting > 1:
            at = (fitting + failing) // 2
            fitting, failing = (at, failing) if total(at) <= limit else (fitting, at)
    except SizeError:
        return None
    return fitting


def _blamed(analysis: TracedModel) -> tuple[JoinMemory, ...]:
    """Joins of skips and concatenations whose results are saved for backward, largest first."""
    memory = analysis.of(Memory)
    graph, saved = memory.training_graph, memory.saved
    kept = {each.storage: each.nbytes for each in saved.storages if each.origin == "activation"}
    joins = {skip.join for skip in _skips(analysis, graph)}
    joins |= {each.operation for each in find_concatenations(graph)}
    blamed: dict[int, JoinMemory] = {}
    for index in sorted(joins):
        for storage in saved.made[index]:
            if storage in kept:
                blamed[storage] = JoinMemory(graph.operations[index], kept[storage])
    return tuple(sorted(blamed.values(), key=lambda each: (-each.nbytes, each.operation.index)))


def _skips(analysis: TracedModel, graph: ModelGraph) -> tuple[Skip, ...]:
    return analysis.of(Skips) if graph is analysis.graph else find_skips(graph)
