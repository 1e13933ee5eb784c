"""How much memory a model saves when a chain of concatenations is written in another way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from skiplint.analysis.memory.concatenations import Concatenation
from skiplint.analysis.memory.rewriting.branches import Branch, Branches, Join
from skiplint.analysis.memory.rewriting.rewrites import Rewriting
from skiplint.graph import ModelGraph, Operation
from skiplint.tracing.replay.surroundings import ExecutionError, apart, bare

if TYPE_CHECKING:
    from torch import Tensor

Remedy = Literal["checkpoint", "buffer", "sum"]

_LEAVES = ("placeholder", "get_attr")
_MOST_PARTS = 8
"""More convolutions than this are no practical substitute for one."""


class Written:
    """A model as a graph of calls, written in one way; run on the meta device when a figure is asked for."""

    def __init__(self, rewriting: Rewriting, *, training: bool) -> None:
        """Hold the calls, recorded in ``training`` mode or not."""
        self._graph = rewriting.fx
        self._training = training

    @cached_property
    def saved(self) -> int | None:
        """Bytes saved for backward, parameters and buffers not counted; None where a call needs values."""
        from skiplint.tracing.recording.storages import storage_key, storage_size
        from skiplint.tracing.replay.allocations import saved_for_backward

        with apart(grad=True, device="meta"), saved_for_backward() as saved:
            leaves = self._leaves()
            if not self._runs(leaves, training=not self._training):
                return None
        state = {storage_key(tensor) for (kind, _), tensor in leaves.items() if kind != "input"}
        sizes = {storage_key(tensor): storage_size(tensor) for tensor in saved}
        return sum(size for key, size in sizes.items() if key not in state)

    @cached_property
    def peak(self) -> int | None:
        """The most bytes alive at once in inference, each result freed after its last reader, else None."""
        from skiplint.tracing.recording.storages import storage_key
        from skiplint.tracing.replay.allocations import LiveStorages

        with apart(grad=False, device="meta"):
            leaves = self._leaves()
            with LiveStorages({storage_key(tensor) for tensor in leaves.values()}) as live:
                return live.peak if self._runs(leaves, training=False) else None

    def _leaves(self) -> dict[tuple[str, int], Tensor]:
        """Inputs and state, by kind and operation; held while the model runs, they are not counted."""
        operations = [node.meta["operation"] for node in self._graph.nodes if node.op in _LEAVES]
        return {(operation.kind, operation.index): bare(operation, 0) for operation in operations}

    def _runs(self, leaves: dict[tuple[str, int], Tensor], *, training: bool) -> bool:
        """Run once; whether that works without values."""
        from skiplint.tracing.replay.interpreter import Interpreter

        def leaf(operation: Operation, _: int) -> Tensor:
            return leaves[operation.kind, operation.index]

        try:
            Interpreter(self._graph, leaf, device="meta", training=training).run()
        except ExecutionError:
            return False
        return True


@dataclass(frozen=True, eq=False)
class Saving:
    """Another way to write a chain, with its effect on the memory of the whole model."""

    remedy: Remedy
    """``checkpoint``: the concatenations and what follows them up to the next layer run again in the
    backward pass. ``buffer``: features are written into one pre-allocated buffer, for inference, since
    autograd refuses to go back through memory that was written later. ``sum``: a convolution of kernel 1 or
    a linear map of a concatenation is the sum of those of its parts."""
    joins: tuple[int, ...]
    """Operations that are written in the other way."""
    before: Written
    after: Written

    @property
    def saved(self) -> int:
        """Bytes less for the backward pass; 0 where that cannot be measured."""
        before, after = self.before.saved, self.after.saved
        return 0 if before is None or after is None else before - after

    @property
    def peak(self) -> int:
        """Bytes less at the peak of inference; 0 where that cannot be measured."""
        before, after = self.before.peak, self.after.peak
        return 0 if before is None or after is None else before - after


class Rewriter:
    """Measures other ways to write the chains of one graph.

    The model is run on the meta device with and without the change. What is saved for backward is measured
    in training mode with gradients, the peak in evaluation mode without.
    """

    def __init__(self, graph: ModelGraph) -> None:
        """Prepare for ``graph``; nothing is run yet."""
        self._graph = graph

    @cached_property
    def as_written(self) -> Written:
        """The model as its author wrote it."""
        return Written(Rewriting(self._graph), training=self._graph.training)

    def savings(self, joins: Sequence[Concatenation]) -> tuple[Saving, ...]:
        """The saving of each remedy that applies to ``joins``.

        Raises:
            RuntimeError: the graph was loaded from another process, without the functions of its calls.
        """
        found = _remedies(self._graph, Branches(self._graph, joins))
        return tuple(
            Saving(remedy, changed, self.as_written, Written(rewriting, training=self._graph.training))
            for remedy, changed, rewriting in filter(None, found)
        )


def _remedies(
    graph: ModelGraph, branches: Branches
) -> Iterator[tuple[Remedy, tuple[int, ...], Rewriting] | None]:
    joins = list(branches.joins.values())
    used = {join.operation: branches.of(join) for join in joins}
    every = [branch for join in joins for branch in used[join.operation]]
    pointwise = [branch for branch in every if branch.pointwise and len(branch.join.parts) <= _MOST_PARTS]
    yield _rewritten(graph, "checkpoint", joins, every)
    yield _with_buffers(graph, joins)
    yield _rewritten(graph, "sum", joins, pointwise)


def _rewritten(
    graph: ModelGraph, remedy: Remedy, joins: Sequence[Join], chosen: Sequence[Branch]
) -> tuple[Remedy, tuple[int, ...], Rewriting] | None:
    if not chosen:
        return None
    rewriting = Rewriting(graph)
    for branch in chosen:
        (rewriting.checkpoint if remedy == "checkpoint" else rewriting.sum_of_parts)(branch)
    rewriting.drop(joins)
    return remedy, tuple(dict.fromkeys(branch.join.operation for branch in chosen)), rewriting


def _with_buffers(
    graph: ModelGraph, joins: Sequence[Join]
) -> tuple[Remedy, tuple[int, ...], Rewriting] | None:
    """One buffer for each longest join and those that are a run of its parts."""
    rest = sorted(joins, key=lambda join: (-len(join.parts), join.operation))
    rewriting = Rewriting(graph)
    changed: list[int] = []
    placed: set[tuple[int, int]] = set()
    while rest:
        longest, *rest = rest
        tensors = {(part.operand.producer, part.operand.output) for part in longest.parts}
        inside = [(join, start) for join in rest if (start := _start(longest, join)) is not None]
        if not inside or tensors & placed or len(tensors) < len(longest.parts):
            continue  # alone it copies as much as before; a tensor can be in one buffer only
        if any(_is_written(graph, join) for join, _ in [(longest, 0), *inside]):
            continue
        placed |= tensors
        rewriting.share_buffer(longest, inside, graph.operations[longest.operation].outputs[0].shape)
        changed += [longest.operation, *(join.operation for join, _ in inside)]
        rest = [join for join in rest if join.operation not in changed]
    return ("buffer", tuple(sorted(changed)), rewriting) if changed else None


def _start(longest: Join, join: Join) -> int | None:
    """The channel of ``longest`` at which the parts of ``join`` start, None if it is no run of its parts."""
    parts = [part.operand for part in longest.parts]
    wanted = [part.operand for part in join.parts]
    if join.dim != longest.dim:
        return None
    keys = [(operand.producer, operand.output) for operand in parts]
    first = (wanted[0].producer, wanted[0].output)
    if first not in keys:
        return None
    at = keys.index(first)
    same = keys[at : at + len(wanted)] == [(operand.producer, operand.output) for operand in wanted]
    return longest.parts[at].start if same else None


def _is_written(graph: ModelGraph, join: Join) -> bool:
    storage = graph.operations[join.operation].outputs[0].storage
    return any(operation.inplace and operation.outputs[0].storage == storage for operation in graph)
