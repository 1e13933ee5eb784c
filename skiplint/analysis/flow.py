"""The flow of features through a graph, as arrays: reads, dominators, distances in weighted layers.

Only tensors that can carry features are edges: they descend from a model input, have a floating dtype
and reach the reader as values (not as indices, coordinates or a shape). Dominators and distances come
from one pass in execution order; queries take logarithmic time through jump pointers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from skiplint.analysis.provider import TracedModel
from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators import Family, Role
from skiplint.operators.reads import role_of

ROOT = -1
"""Stands above every source of data."""

_MOST_VIEWS = 16
"""Views in a row that are followed."""
UNKNOWN = 1 << 62
"""Resolution of a tensor that no convolution, pooling or resampling has shaped."""


@dataclass(frozen=True)
class Flow:
    """The feature flow of one graph. All lists are indexed by operation index."""

    graph: ModelGraph
    reads: tuple[tuple[Operand, ...], ...]
    """The operands of each operation that carry features into it."""

    @classmethod
    def compute(cls, analysis: TracedModel) -> Flow:
        """The feature flow of a traced model."""
        return feature_flow(analysis.graph)

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """For each operation the indices of those that read features from it, once for each read."""
        rows: list[list[int]] = [[] for _ in self.reads]
        for index, operands in enumerate(self.reads):
            for operand in operands:
                rows[operand.producer].append(index)
        return tuple(tuple(row) for row in rows)

    @cached_property
    def weight(self) -> tuple[int, ...]:
        """1 for a weighted layer, else 0."""
        return tuple(int(operation.weighted) for operation in self.graph)

    @cached_property
    def tree(self) -> DominatorTree:
        """Dominators of the flow, from a root above all sources."""
        return DominatorTree(self)


class DominatorTree:
    """Immediate dominators, with distances from the root and the resolution along the way.

    ``shortest`` and ``longest`` count weighted layers from the root to each operation, itself included.
    Between a dominator and what it dominates the difference of these is the distance between the two,
    since every path passes the dominator. ``resolution`` is the number of positions (batch and space)
    after the last convolutions, poolings or resamplings (or of an image that went in), ``UNKNOWN`` where
    there was none.
    """

    def __init__(self, flow: Flow) -> None:
        size = len(flow.reads)
        self.parent = [ROOT] * size
        self.shortest = [0] * size
        self.longest = [0] * size
        self.resolution = [UNKNOWN] * size
        self._depth = [0] * size
        self._jump = [ROOT] * size
        self._lowest = [0] * size
        """Smallest resolution from the operation up to, not including, its jump."""
        for index, operands in enumerate(flow.reads):
            self._add(flow, index, operands)

    def _add(self, flow: Flow, index: int, operands: tuple[Operand, ...]) -> None:
        parent = ROOT
        if operands:
            parent = operands[0].producer
            for operand in operands[1:]:
                parent = self.meet(parent, operand.producer)
            self.shortest[index] = min(self.shortest[operand.producer] for operand in operands)
            self.longest[index] = max(self.longest[operand.producer] for operand in operands)
        self.shortest[index] += flow.weight[index]
        self.longest[index] += flow.weight[index]
        self.parent[index] = parent
        self._depth[index] = self.depth(parent) + 1
        known = [self.resolution[operand.producer] for operand in operands]
        own = _resolution(flow.graph.operations[index])
        self.resolution[index] = own or max((size for size in known if size != UNKNOWN), default=UNKNOWN)
        self._set_jump(index, parent)

    def _set_jump(self, index: int, parent: int) -> None:
        over = self.jump(parent)
        lowest = self.resolution[index]
        if self.depth(parent) - self.depth(over) == self.depth(over) - self.depth(self.jump(over)):
            self._jump[index] = self.jump(over)
            if parent != ROOT:
                lowest = min(lowest, self._lowest[parent])
            if over != ROOT:
                lowest = min(lowest, self._lowest[over])
        else:
            self._jump[index] = parent
        self._lowest[index] = lowest

    def depth(self, index: int) -> int:
        """Dominators above ``index``, 0 for the root."""
        return 0 if index == ROOT else self._depth[index]

    def jump(self, index: int) -> int:
        """A dominator of ``index`` some way up; equally far for all at one depth."""
        return ROOT if index == ROOT else self._jump[index]

    def meet(self, left: int, right: int) -> int:
        """The nearest operation that dominates or is both."""
        while self.depth(left) > self.depth(right):
            left = self.jump(left) if self.depth(self.jump(left)) >= self.depth(right) else self.parent[left]
        while self.depth(right) > self.depth(left):
            right = (
                self.jump(right) if self.depth(self.jump(right)) >= self.depth(left) else self.parent[right]
            )
        while left != right:
            if self.jump(left) != self.jump(right):
                left, right = self.jump(left), self.jump(right)
            else:
                left, right = self.parent[left], self.parent[right]
        return left

    def dominates(self, above: int, below: int) -> bool:
        """Whether every path from the root to ``below`` passes ``above`` (or they are the same)."""
        if above == ROOT:
            return True
        while self.depth(below) > self.depth(above):
            over = self.jump(below)
            below = over if self.depth(over) >= self.depth(above) else self.parent[below]
        return below == above

    def lowest_resolution(self, above: int, below: int) -> int:
        """The smallest resolution on the dominator chain from ``below`` up to ``above``, both included."""
        lowest = self.resolution[below]
        while below != above:
            lowest = min(lowest, self.resolution[below])
            over = self.jump(below)
            if self.depth(over) >= self.depth(above):
                lowest = min(lowest, self._lowest[below])
                below = over
            else:
                below = self.parent[below]
        return min(lowest, self.resolution[above]) if above != ROOT else lowest


_SHAPES_RESOLUTION = (
    Family.CONVOLUTION,
    Family.POOLING,
    Family.UNPOOLING,
    Family.RESAMPLING,
    Family.PIXEL_SHUFFLE,
    Family.PIXEL_UNSHUFFLE,
)


def _resolution(operation: Operation) -> int:
    shaped = operation.kind == "input" or operation.op.is_a(*_SHAPES_RESOLUTION)
    if not shaped or not operation.outputs:
        return 0
    shape = operation.outputs[0].shape
    if not shape:  # a number, such as the time step of a diffusion model
        return 0
    size = shape[0]  # with the batch, into which some models fold windows or frames
    for extent in shape[2:]:
        size *= extent
    return size if len(shape) >= (4 if operation.kind == "input" else 3) else 0


def _is_zero(operation: Operation, zeros: set[int]) -> bool:
    """A tensor of zeros that nothing was written to: the first state of a recurrence, and its products."""
    op = operation.op
    if op.is_a(Family.ZEROS):
        return True
    if operation.inplace or not operation.operands:
        return False
    if op.is_unchanged and not op.is_a(Family.UPDATE):
        return operation.operands[0].producer in zeros
    product = op.is_a(Family.PRODUCT, Family.CONTRACTION) and not op.is_a(Family.ADDED_CONTRACTION)
    return product and any(operand.producer in zeros for operand in operation.operands)


def past_views(flow: Flow, operand: Operand) -> Operand:
    """``operand`` followed back through views, copies, casts and dropouts to the tensor that they are of."""
    for _ in range(_MOST_VIEWS):
        operation = flow.graph.operations[operand.producer]
        reads = flow.reads[operand.producer]
        if not operation.op.is_unchanged or len(reads) != 1:
            break
        operand = reads[0]
    return operand


def feature_flow(graph: ModelGraph) -> Flow:
    """The feature flow of ``graph``."""
    rows: list[tuple[Operand, ...]] = []
    zeros: set[int] = set()
    for operation in graph:
        if _is_zero(operation, zeros):
            zeros.add(operation.index)
            rows.append(())
            continue
        kept = [
            operand
            for position, operand in enumerate(operation.operands)
            if graph.operations[operand.producer].data
            and operand.producer not in zeros
            and graph.spec(operand).floating
            and role_of(operation, position) is Role.VALUES
        ]
        rows.append(tuple(kept) if operation.data or operation.kind == "output" else ())
    return Flow(graph, tuple(rows))
