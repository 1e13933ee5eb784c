"""The parts and the uses of concatenations that can be written in another way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from skiplint.analysis.memory.concatenations import Concatenation
from skiplint.graph import ModelGraph, Operand, Operation

_ELEMENTWISE = frozenset(
    "relu relu6 hardtanh leaky_relu elu selu celu gelu silu mish sigmoid hardsigmoid hardswish tanh softplus "
    "dropout batch_norm".split()
)
"""Operations on each channel by itself: they can be applied to the parts instead of the whole."""
_POINTWISE = frozenset({"conv1d", "conv2d", "conv3d", "linear"})


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
            if operation.base_name != "cat" or operation.name.endswith("_"):
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
        dim = operation.argument(1, "dim", operation.argument(1, "axis", 0))
        if not isinstance(dim, int) or any(operand.argument == "out" for operand in operation.operands):
            return None
        dim %= len(result.shape)
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
        if operation.base_name not in _ELEMENTWISE or (operation.inplace and first):
            return False  # in place it would write into the features
        return operation.base_name != "batch_norm" or join.dim == 1

    def _is_pointwise(self, operation: Operation, join: Join) -> bool:
        if operation.base_name not in _POINTWISE or len(operation.operands) < 2:
            return False
        weight = self._graph.spec(operation.operands[1])
        if operation.base_name == "linear":
            return join.dim == len(self._graph.spec(operation.operands[0]).shape) - 1
        groups = operation.argument(6, "groups", 1)
        padding = operation.argument(4, "padding", 0)
        still = padding in (0, "valid") or (isinstance(padding, (tuple, list)) and not any(padding))
        return join.dim == 1 and set(weight.shape[2:]) == {1} and groups == 1 and still

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
