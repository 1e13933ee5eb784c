"""Activation memory of a model: at the peak of inference, saved for backward, in concatenations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.analysis.memory.chains import Chain, find_chains
from skiplint.analysis.memory.concatenations import (
    Concatenation,
    ConcatenationTotals,
    Feature,
    find_concatenations,
    total,
)
from skiplint.analysis.memory.lifetimes import Lifetime, find_lifetimes, live_bytes
from skiplint.analysis.memory.rewriting import Rewriter
from skiplint.analysis.memory.saved_tensors import SavedTensors, find_saved_tensors
from skiplint.analysis.memory.training_mode import TrainingGraph
from skiplint.analysis.memory.words import memory_in_words
from skiplint.analysis.memory.workspaces import find_workspaces
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips import Skip, Skips
from skiplint.display.facts import Facts, Shown
from skiplint.graph import ModelGraph


@dataclass(frozen=True, slots=True)
class Peak:
    """The operation of a forward in inference during which most memory is in use."""

    nbytes: int
    operation: int
    workspace: int
    """Bytes of ``nbytes`` that the operation allocates and frees again before it returns."""
    alive: tuple[Lifetime, ...]
    """Largest first."""


@dataclass(frozen=True, slots=True)
class HeldSkip:
    """A tensor that is in memory at the peak only for the join of a skip."""

    skip: int
    """Index into the skips of the analysis."""
    nbytes: int
    born: int
    """The operation that made it."""
    idle_from: int
    """After this operation only the shortcut reads it."""
    join: int


class Memory(Shown):
    """Activation memory of one graph, in bytes; each figure is computed on first access.

    Bytes are those of tensors, not of what an allocator rounds them up to. Parameters, buffers, constants and
    inputs are in memory anyway and not counted; but :attr:`saved` counts the inputs that are saved.
    """

    def __init__(
        self,
        graph: ModelGraph,
        skips: Callable[[], Sequence[Skip]] = tuple,
        training: Callable[[], ModelGraph] | None = None,
    ) -> None:
        """Prepare for ``graph``.

        Args:
            graph: the graph.
            skips: returns the skips; called on first use.
            training: returns the graph in training mode, for what is saved for backward; called on first
                use. None means ``graph``.
        """
        self._graph = graph
        self._skips = skips
        self._training = training

    @classmethod
    def compute(cls, analysis: TracedModel) -> Memory:
        """The memory of a traced model."""
        return cls(analysis.graph, lambda: analysis.of(Skips), lambda: analysis.of(TrainingGraph))

    def __repr__(self) -> str:
        return f"Memory({self._graph.name!r})"

    def _headline(self) -> str:
        return f"Memory of {self._graph.name}"

    def _facts(self) -> Facts:
        if self._graph.fx_builder is None:
            return [("memory", "not known: the graph came from another process, without its functions")]
        peak, saved, totals = self.peak.nbytes, self.saved.nbytes, self.totals
        activations = memory_in_words(peak, saved, totals.allocated, totals.distinct, totals.blowup)
        state, inputs = byte_size(self.state_bytes), byte_size(self.input_bytes)
        beside = f"{state} of parameters and buffers, {inputs} of inputs"
        return [("memory", activations), ("in addition", beside)]

    @cached_property
    def training_graph(self) -> ModelGraph:
        """The graph that :attr:`saved` is about."""
        return self._graph if self._training is None else self._training()

    @cached_property
    def concatenations(self) -> tuple[Concatenation, ...]:
        """Every concatenation, in execution order."""
        return find_concatenations(self._graph)

    @cached_property
    def totals(self) -> ConcatenationTotals:
        """The concatenations together."""
        return total(self.concatenations)

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """The concatenations by the features that they share."""
        return find_chains(self.concatenations)

    @cached_property
    def rewriter(self) -> Rewriter:
        """Measures how much memory other ways to write a chain save."""
        return Rewriter(self._graph)

    @cached_property
    def lifetimes(self) -> tuple[Lifetime, ...]:
        """The storages of activations in inference."""
        return find_lifetimes(self._graph)

    @cached_property
    def workspaces(self) -> tuple[int, ...]:
        """For each operation the bytes that it allocates and frees again before it returns."""
        return find_workspaces(self._graph)

    @cached_property
    def timeline(self) -> tuple[int, ...]:
        """Bytes alive in inference while each operation runs."""
        return live_bytes(self.lifetimes, self.workspaces)

    @cached_property
    def peak(self) -> Peak:
        """The operation during which most memory is in use in inference, the first of several."""
        nbytes = max(self.timeline, default=0)
        at = self.timeline.index(nbytes) if self.timeline else 0
        alive = [lifetime for lifetime in self.lifetimes if lifetime.alive_at(at)]
        alive.sort(key=lambda lifetime: (-lifetime.nbytes, lifetime.born))
        return Peak(nbytes, at, self.workspaces[at] if self.workspaces else 0, tuple(alive))

    @cached_property
    def saved(self) -> SavedTensors:
        """What a training step keeps for the backward pass."""
        return find_saved_tensors(self.training_graph)

    @cached_property
    def input_bytes(self) -> int:
        """Bytes of the model's inputs, each storage once."""
        return sum({item.spec.storage: item.spec.nbytes for item in self._graph.inputs}.values())

    @cached_property
    def state_bytes(self) -> int:
        """Bytes of the parameters, buffers and constants that the forward reads."""
        specs = {
            spec.storage: spec.nbytes
            for operation in self._graph
            if operation.kind in ("parameter", "buffer", "constant")
            for spec in operation.outputs
        }
        return sum(specs.values())

    @cached_property
    def peak_without_concatenations(self) -> int:
        """The peak in bytes if no concatenation copied its features."""
        gone = {each.storage: each for each in self._pure_copies}
        until: dict[int, int] = {}
        for lifetime in reversed(self.lifetimes):
            concatenation = gone.get(lifetime.storage)
            if concatenation is not None:
                for feature in concatenation.features:
                    until[feature.storage] = max(until.get(feature.storage, 0), lifetime.dies)
        kept = [
            replace(lifetime, dies=max(lifetime.dies, until.get(lifetime.storage, 0)))
            for lifetime in self.lifetimes
            if lifetime.storage not in gone
        ]
        return max(live_bytes(kept, self.workspaces), default=0)

    @cached_property
    def saved_without_concatenations(self) -> int:
        """Bytes saved for backward if features were saved instead of their concatenations."""
        if self.training_graph is not self._graph:
            return Memory(self.training_graph).saved_without_concatenations
        made = self.saved.made
        gone = {made[each.operation][0]: each for each in self._pure_copies if made[each.operation]}
        kept = {
            each.storage: each.nbytes
            for each in self.saved.storages
            if each.origin != "state" and each.storage not in gone
        }
        counted = {each.storage for each in self.saved.storages}
        for storage in counted & gone.keys():
            for feature in gone[storage].features:
                held = made[feature.producer][feature.output]
                if held not in counted and not self._is_state(feature):
                    kept[held] = self.saved.sizes[held]
        return sum(kept.values())

    @cached_property
    def held_skips(self) -> tuple[HeldSkip, ...]:
        """The tensors that skips keep alive during the peak, largest first."""
        found: dict[tuple[int, int], HeldSkip] = {}
        lifetimes = {lifetime.storage: lifetime for lifetime in self.lifetimes}
        for index, skip in enumerate(self._skips()):
            if skip.join < self.peak.operation:
                continue
            for storage, users in self._shortcut_storages(skip).items():
                lifetime = lifetimes.get(storage)
                if lifetime is None or not lifetime.born < self.peak.operation <= lifetime.dies:
                    continue
                idle = max((i for i in self._readers[storage] if i not in users), default=lifetime.born)
                if idle < self.peak.operation <= skip.join:
                    held = HeldSkip(index, lifetime.nbytes, lifetime.born, idle, skip.join)
                    found.setdefault((storage, index), held)
        return tuple(sorted(found.values(), key=lambda held: (-held.nbytes, held.born, held.join)))

    def _shortcut_storages(self, skip: Skip) -> dict[int, set[int]]:
        """The storages along the shortcuts of ``skip``, each with the operations of the skip that read it."""
        found: dict[int, set[int]] = {}
        for connection in skip.connections:
            users = {*connection.path, *skip.steps}
            tensors = [self._graph.spec(connection.fork), self._graph.spec(skip.operands[connection.operand])]
            tensors += [self._graph.operations[i].outputs[0] for i in connection.path]
            for spec in tensors:
                found.setdefault(spec.storage, set()).update(users)
        return found

    @cached_property
    def _readers(self) -> dict[int, list[int]]:
        """For each storage of the graph the operations that make or read tensors in it."""
        found: dict[int, list[int]] = {}
        for operation in self._graph:
            specs = [*operation.outputs, *map(self._graph.spec, operation.operands)]
            for storage in {spec.storage for spec in specs}:
                found.setdefault(storage, []).append(operation.index)
        return found

    @cached_property
    def _pure_copies(self) -> tuple[Concatenation, ...]:
        """Concatenations whose result is never written again: their features hold the same values."""
        written = {
            operation.outputs[0].storage
            for operation in self._graph
            if operation.kind == "call" and operation.outputs and operation.inplace
        }
        return tuple(each for each in self.concatenations if each.allocated and each.storage not in written)

    def _is_state(self, feature: Feature) -> bool:
        return self._graph.operations[feature.producer].kind in ("parameter", "buffer", "constant")
