"""The parts and the uses of concatenations that can be written in another way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from skiplint.analysis.memory.concatenations import Concatenation
from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators import Family
from skiplint.operators.axes import concatenated_axis


@dataclass(frozen=True, slots=True)
class Part:
    """A feature and its channels in the concatenation."""

    operand: Operand
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Join:
    """A ``cat``, with nested ones along the same dimension resolved into their parts."""

    operation: int
    dim: int
    """From 0."""
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One use of a concatenation: a chain of operations after it, each the only reader of the one before."""

    join: Join
    operations: tuple[int, ...]
    pointwise: bool
    """They act on each channel by itself, and the last is a convolution of kernel 1 or a linear map over the
    channels, which equals a sum of such layers over the parts."""


class Branches:
    """The concatenations of a graph that can be written in another way, and their uses."""

    def __init__(self, graph: ModelGraph, joins: Collection[Concatenation]) -> None:
        """Analyse ``joins``, which are concatenations of ``graph``."""
        self._graph = graph
        self._wanted = {each.operation for each in joins}

    @cached_property
    def joins(self) -> dict[int, Join]:
        """The plain concatenations whose features are not written to later, by operation."""
        found: dict[int, Join] = {}
        for index in sorted(self._wanted):
            operation = self._graph.operations[index]
            if not operation.op.is_a(Family.CONCATENATION) or operation.inplace:
                continue
            join = self._join(operation, found)
            if join is not None:
                found[index] = join
        return found

    def of(self, join: Join) -> tuple[Branch, ...]:
        """The uses of ``join``, except by concatenations of the same chain."""
        readers = [i for i in self._graph.consumers[join.operation] if i not in self.joins]
        if len(readers) > 1 and any(self._writes(i, join.operation) for i in readers):
            return ()
        branches = (self._branch(join, reader) for reader in dict.fromkeys(readers))
        return tuple(branch for branch in branches if branch is not None)

    def _join(self, operation: Operation, found: dict[int, Join]) -> Join | None:
        result = operation.outputs[0]
        dim = concatenated_axis(operation, len(result.shape))
        if dim is None or any(operand.argument == "out" for operand in operation.operands):
            return None
        parts: list[Part] = []
        start = 0
        for operand in operation.operands:
            inner = found.get(operand.producer)
            pieces = inner.parts if inner is not None and inner.dim == dim else (Part(operand, 0, 0),)
            for piece in pieces:
                spec = self._graph.spec(piece.operand)
                if len(spec.shape) != len(result.shape) or spec.dtype != result.dtype:
                    return None
                if self._written_later(piece.operand):
                    return None
                parts.append(Part(piece.operand, start, spec.shape[dim]))
                start += spec.shape[dim]
        return Join(operation.index, dim, tuple(parts)) if start == result.shape[dim] else None

    def _branch(self, join: Join, reader: int) -> Branch | None:
        graph = self._graph
        chosen: list[int] = []
        before, pointwise = join.operation, True
        while True:
            operation = graph.operations[reader]
            flows = [operand for operand in operation.operands if graph.operations[operand.producer].data]
            if operation.kind != "call" or len(operation.outputs) != 1 or len(flows) != 1:
                break
            if flows[0].producer != before:
                break
            chosen.append(reader)
            if operation.weighted:
                pointwise = pointwise and self._is_pointwise(operation, join)
                return Branch(join, tuple(chosen), pointwise)
            pointwise = pointwise and self._is_elementwise(operation, join, first=len(chosen) == 1)
            following = graph.consumers[reader]
            if len(following) != 1:
                break
            before, reader = reader, following[0]
        return Branch(join, tuple(chosen), pointwise=False) if chosen else None

    def _is_elementwise(self, operation: Operation, join: Join, *, first: bool) -> bool:
        """Whether it treats every channel by itself, so that it can be done to the parts instead."""
        if operation.inplace and first:
            return False  # it would write into the features
        op = operation.op
        if op.is_a(Family.BATCH_NORM):
            return join.dim == op.feature_axis
        return op.is_a(Family.DROPOUT) or (op.is_a(Family.POINTWISE) and op.is_a(Family.ACTIVATION))

    def _is_pointwise(self, operation: Operation, join: Join) -> bool:
        """Whether it is a linear map over the channels of ``join``, at each position by itself."""
        op = operation.op
        is_layer = op.is_a(Family.CONVOLUTION, Family.LINEAR) and not op.is_a(Family.TRANSPOSED)
        if not is_layer or op.feature_axis is None or len(operation.operands) < 2:
            return False
        data, weight = (self._graph.spec(operand).shape for operand in operation.operands[:2])
        padding = operation.setting("padding") or 0
        still = padding in (0, "valid") or (isinstance(padding, (tuple, list)) and not any(padding))
        alone = set(weight[2:]) <= {1} and operation.setting("groups") in (None, 1) and still
        return alone and join.dim == op.feature_axis % len(data)

    def _written_later(self, operand: Operand) -> bool:
        """Whether the memory of ``operand`` is written to after it was made."""
        storage = self._graph.spec(operand).storage
        return self._last_write.get(storage, -1) > operand.producer

    @cached_property
    def _last_write(self) -> dict[int, int]:
        return {
            operation.outputs[0].storage: operation.index
            for operation in self._graph
            if operation.inplace and operation.outputs
        }

    def _writes(self, index: int, join: int) -> bool:
        operation = self._graph.operations[index]
        storage = self._graph.operations[join].outputs[0].storage
        return operation.inplace and any(spec.storage == storage for spec in operation.outputs)
