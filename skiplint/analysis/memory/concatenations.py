"""What each concatenation allocates, and which features it copies.

A *feature* is a tensor that is no concatenation itself. ``cat([cat([a, b]), c])`` holds the features a, b
and c, and copies a and b twice. A view of all of a concatenation is that concatenation; a view of a part
(a chunk, a slice) is a feature of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from skiplint.graph import ModelGraph, Operand, Operation, TensorSpec
from skiplint.operators import Family


@dataclass(frozen=True, slots=True)
class Feature:
    """One tensor that concatenations copy."""

    producer: int
    output: int
    nbytes: int
    storage: int


@dataclass(frozen=True, eq=False)
class Concatenation:
    """One operation that copies tensors into one tensor."""

    operation: int
    allocated: int
    """Bytes of the result; 0 for a write into a buffer that another concatenation has counted."""
    storage: int
    parts: tuple[Feature | Concatenation, ...]
    """The tensors that it concatenates."""

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """Its features, nested concatenations resolved; one that is copied twice is there twice."""
        found: list[Feature] = []
        pending: list[Feature | Concatenation] = [self]
        while pending:
            part = pending.pop()
            if isinstance(part, Feature):
                found.append(part)
            else:
                pending.extend(reversed(part.parts))
        return tuple(found)

    @cached_property
    def distinct(self) -> int:
        """Bytes of its features, each counted once."""
        return sum(feature.nbytes for feature in set(self.features))

    @property
    def ratio(self) -> float:
        """Allocated over distinct bytes."""
        return self.allocated / self.distinct if self.distinct else 1.0


@dataclass(frozen=True, slots=True)
class ConcatenationTotals:
    """All concatenations of a model together."""

    allocated: int
    distinct: int
    """Bytes of the features that any of them holds, each counted once."""
    copies: tuple[tuple[Feature, int], ...]
    """How often each feature is copied, most copied first."""

    @property
    def blowup(self) -> float:
        """Allocated over distinct bytes; 1.0 where there are no concatenations."""
        return self.allocated / self.distinct if self.distinct else 1.0


def find_concatenations(graph: ModelGraph) -> tuple[Concatenation, ...]:
    """Every concatenation of ``graph``, in execution order."""
    found: dict[int, Concatenation] = {}
    buffers: set[int] = set()
    for operation in graph:
        operands = _concatenated(graph, operation)
        if not operands:
            continue
        result = operation.outputs[0]
        parts = [part for operand in operands for part in _part(graph, found, operand)]
        counted = operation.op.is_a(Family.ITEM_WRITE, Family.UPDATE) and result.storage in buffers
        buffers.add(result.storage)
        found[operation.index] = Concatenation(
            operation.index, 0 if counted else result.nbytes, result.storage, tuple(parts)
        )
    return tuple(found.values())


def total(concatenations: Sequence[Concatenation]) -> ConcatenationTotals:
    """The totals of all concatenations of a model."""
    # A concatenation copies its parts once, and once more with each concatenation that holds it. Those
    # come later, so that going backwards the numbers are known without resolving any nesting.
    copied: Counter[Concatenation] = Counter()
    copies: Counter[Feature] = Counter()
    for each in reversed(concatenations):
        for part in each.parts:
            if isinstance(part, Feature):
                copies[part] += 1 + copied[each]
            else:
                copied[part] += 1 + copied[each]
    return ConcatenationTotals(
        allocated=sum(each.allocated for each in concatenations),
        distinct=sum(feature.nbytes for feature in copies),
        copies=tuple(sorted(copies.items(), key=lambda item: (-item[1], item[0].producer, item[0].output))),
    )


def _concatenated(graph: ModelGraph, operation: Operation) -> tuple[Operand, ...]:
    """The operands that ``operation`` concatenates, none if it is no concatenation."""
    if operation.kind != "call" or not operation.outputs:
        return ()
    if operation.op.is_a(Family.CONCATENATION):
        return operation.operands
    if operation.op.is_a(Family.ITEM_WRITE) and len(operation.operands) > 1:
        return operation.operands if _is_part(graph.spec(operation.operands[1]), operation.outputs[0]) else ()
    return operation.operands if operation.op.is_a(Family.UPDATE) else ()


def _is_part(value: TensorSpec, buffer: TensorSpec) -> bool:
    """A feature written into a part of a buffer of features, neither a number nor all of it."""
    return value.floating and len(value.shape) > 1 and 0 < value.nbytes < buffer.nbytes


def _part(
    graph: ModelGraph, found: dict[int, Concatenation], operand: Operand
) -> tuple[Feature | Concatenation, ...]:
    """The feature or the concatenation that ``operand`` is; nothing for an empty buffer."""
    root = _root(graph, operand)
    if root.producer in found:
        return (found[root.producer],)
    if _is_fresh_buffer(graph.operations[root.producer]):
        return ()
    spec = graph.spec(root)
    return (Feature(root.producer, root.output, spec.nbytes, spec.storage),)


def _root(graph: ModelGraph, operand: Operand) -> Operand:
    """The tensor that ``operand`` is a view of, as far as the view shows all of it."""
    producer = graph.operations[operand.producer]
    while producer.view and not producer.op.is_a(Family.UPDATE) and producer.operands:
        inner = producer.operands[0]
        spec = graph.spec(inner)
        here = producer.outputs[operand.output]
        if spec.storage != here.storage or spec.nbytes != here.nbytes:
            break
        operand, producer = inner, graph.operations[inner.producer]
    return operand


def _is_fresh_buffer(operation: Operation) -> bool:
    """Memory that holds nothing yet: ``new_empty``, ``zeros``."""
    return operation.kind == "call" and operation.op.is_a(Family.EMPTY, Family.ZEROS)
