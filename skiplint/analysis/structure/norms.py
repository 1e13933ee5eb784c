"""Norms in a graph: those of torch, and those that are written by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from skiplint.analysis.flow import Flow, past_views
from skiplint.analysis.provider import TracedModel
from skiplint.graph import Operand, Operation, TensorId
from skiplint.operators import Family

Scope = tuple[str, int]
"""One call of one module, as (path, number of the call)."""
_MOMENTS = (Family.STATISTIC, Family.SUM, Family.SUBSCRIPTED, Family.POOLING)
_AFFINE = (Family.PRODUCT, Family.DIVISION, Family.NEGATION, Family.CAST, Family.COPY)
_MOST_STEPS = 32


class _ByHand(NamedTuple):
    """A quotient that is a norm."""

    source: Operand
    steps: frozenset[int]
    """Operations that compute it from the source, the quotient included."""


class Norms:
    """The norms in a graph, torch's own and those that are written by hand.

    By hand means a product or a quotient of a tensor, centred or not, with a root of a moment of that same
    tensor, as in ``(x - mean) / sqrt(var + eps)`` or ``x * rsqrt(mean(x ** 2))``, wherever it is written;
    and a module that takes a moment and a root of what it reads and has no weighted layer in it.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._by_hand: dict[int, _ByHand] = {}
        self._steps: set[tuple[int, TensorId]] = set()
        self.steps: set[int] = set()
        """Operations that are part of a norm by hand."""
        for operation in flow.graph:
            found = _by_hand(flow, operation)
            if found is not None:
                self._by_hand[operation.index] = found
                self.steps |= found.steps
                self._steps.update((step, found.source.tensor) for step in found.steps)
        self._scopes = _leaf_scopes(flow)

    @classmethod
    def compute(cls, analysis: TracedModel) -> Norms:
        """The norms of a traced model."""
        return cls(analysis.of(Flow))

    def source(self, operand: Operand) -> Operand | None:
        """The tensor that was normalised, if ``operand`` is the result of a norm; None if it is not."""
        return next(iter(self.sources(operand)), None)

    def sources(self, operand: Operand) -> tuple[Operand, ...]:
        """The normalised tensor, then the others that the norm read; empty if no norm made ``operand``."""
        operation = self._flow.graph.operations[operand.producer]
        if operation.op.is_a(Family.NORM):
            return self._flow.reads[operation.index]
        quotient = _before_affine(self._flow, operand)
        if quotient in self._by_hand:
            return (self._by_hand[quotient].source,)
        scope = (operation.module, operation.call)
        if scope not in self._scopes or operation.kind != "call" or not self._leaves(operation, scope):
            return ()
        return tuple(self._entries(operation, scope))

    def _leaves(self, operation: Operation, scope: Scope) -> bool:
        """Whether something outside of the module reads the result, which so is no inner step of it."""
        operations = self._flow.graph.operations
        readers = [operations[reader] for reader in self._flow.readers[operation.index]]
        return any((reader.module, reader.call) != scope for reader in readers)

    def _entries(self, operation: Operation, scope: Scope) -> Iterator[Operand]:
        """The tensors from outside that the call of the norm's module reads, earliest first."""
        pending, seen, found = [operation.index], {operation.index}, []
        while pending:
            for operand in self._flow.reads[pending.pop()]:
                producer = self._flow.graph.operations[operand.producer]
                if (producer.module, producer.call) != scope or producer.kind != "call":
                    found.append(operand)
                elif operand.producer not in seen:
                    seen.add(operand.producer)
                    pending.append(operand.producer)
        return iter(sorted(found, key=lambda each: each.producer))

    def readers(self, source: Operand) -> list[int]:
        """Indices of the operations that read ``source`` and normalise it."""
        return [reader for reader in self._flow.readers[source.producer] if self._normalises(reader, source)]

    def _normalises(self, reader: int, source: Operand, casts: int = 3) -> bool:
        operation = self._flow.graph.operations[reader]
        if operation.op.is_a(Family.NORM) or (operation.module, operation.call) in self._scopes:
            return True
        if (reader, source.tensor) in self._steps:
            return True
        further = self._flow.readers[reader]
        if not casts or not further or not operation.op.is_unchanged:
            return False
        result = Operand(reader, 0, "0")
        return all(self._normalises(each, result, casts - 1) for each in further)


def _leaf_scopes(flow: Flow) -> frozenset[Scope]:
    """Calls of modules that take a moment and a root, and that hold no weighted layer at any depth."""
    moments: set[Scope] = set()
    roots: set[Scope] = set()
    weighted: set[str] = {""}
    for operation in flow.graph:
        scope = (operation.module, operation.call)
        path = operation.module
        while operation.weighted and path not in weighted:
            weighted.add(path)
            path = path.rpartition(".")[0]
        if operation.data and operation.op.is_a(Family.STATISTIC):
            moments.add(scope)
        if operation.data and operation.op.is_a(Family.ROOT):
            roots.add(scope)
    return frozenset(scope for scope in moments & roots if scope[0] not in weighted)


def _by_hand(flow: Flow, operation: Operation) -> _ByHand | None:
    """``operation`` as the quotient of a norm; None if it is none."""
    reads = flow.reads[operation.index]
    op = operation.op
    if not op.is_a(Family.DIVISION, Family.PRODUCT, Family.SUBSCRIPTED) or len(reads) != 2:
        return None
    orders = (reads,) if op.is_a(Family.DIVISION) else (reads, reads[::-1])
    for features, scale in orders:
        smaller = _is_smaller(flow, past_views(flow, scale), features)
        for source, centring in _sources(flow, features):
            steps = _moment(flow, scale, source, root=True)
            if steps is not None and (smaller or _is_local(flow, steps)):
                own = _between(flow, operation, features, source)
                return _ByHand(source, frozenset({operation.index, *own, *steps, *centring}))
    return None


def _is_local(flow: Flow, steps: frozenset[int]) -> bool:
    """Whether a moment is taken around each position, as local response normalisation does."""
    return any(flow.graph.operations[step].op.is_a(Family.POOLING) for step in steps)


def _is_smaller(flow: Flow, small: Operand, large: Operand) -> bool:
    return math.prod(flow.graph.spec(small).shape) < math.prod(flow.graph.spec(large).shape)


def _sources(flow: Flow, features: Operand) -> Iterator[tuple[Operand, frozenset[int]]]:
    """What ``features`` may be a centred form of, with the operations that take its mean; then itself."""
    plain = _bare(flow, features)
    operation = flow.graph.operations[plain.producer]
    reads = flow.reads[plain.producer]
    if operation.op.is_a(Family.ADDITION) and len(reads) == 2:
        for source, mean in (reads, reads[::-1]):
            steps = _moment(flow, mean, _bare(flow, source), root=False)
            if steps is not None:
                yield _bare(flow, source), steps
    yield plain, frozenset()


def _bare(flow: Flow, operand: Operand) -> Operand:
    """``operand`` before views, casts and factors that are no features."""
    for _ in range(8):
        operation = flow.graph.operations[operand.producer]
        reads = flow.reads[operand.producer]
        if len(reads) != 1 or not (operation.op.is_unchanged or operation.op.is_a(*_AFFINE)):
            break
        operand = reads[0]
    return operand


def _moment(flow: Flow, result: Operand, source: Operand, *, root: bool) -> frozenset[int] | None:
    """The operations that make ``result`` a moment (or the root of one) of ``source`` and of nothing else."""
    pending, steps = [result], set[int]()
    while pending:
        operand = pending.pop()
        if operand.tensor == source.tensor or operand.producer in steps:
            continue
        operation = flow.graph.operations[operand.producer]
        reads = flow.reads[operand.producer]
        if operation.weighted or operation.kind != "call" or not reads or len(steps) >= _MOST_STEPS:
            return None
        steps.add(operand.producer)
        pending.extend(reads)
    operations = [flow.graph.operations[step] for step in steps]
    rooted = any(each.op.is_a(Family.ROOT) or _is_root(each) for each in operations)
    has_moment = any(each.op.is_a(*_MOMENTS) for each in operations)
    return frozenset(steps) if has_moment and (rooted or not root) else None


def _is_root(operation: Operation) -> bool:
    """A power between 0 and 1, or one over that; local response normalisation takes 0.75."""
    exponent = operation.setting("exponent")
    return isinstance(exponent, (int, float)) and 0 < abs(exponent) < 1


def _between(flow: Flow, operation: Operation, features: Operand, source: Operand) -> Iterator[int]:
    """The operations on the way from ``source`` to the quotient by ``features``."""
    index = features.producer
    while index not in (source.producer, operation.index):
        yield index
        reads = flow.reads[index]
        if not reads:
            return
        index = reads[0].producer


def _before_affine(flow: Flow, operand: Operand) -> int:
    """The operation that made ``operand`` before it was multiplied by, and then added to, what is learned."""
    index = operand.producer
    shifted = False
    for _ in range(8):
        operation = flow.graph.operations[index]
        reads = flow.reads[index]
        is_shift = operation.op.is_a(Family.ADDITION, Family.ADDED_PRODUCT)
        if len(reads) != 1 or (is_shift and shifted) or not (is_shift or operation.op.is_a(*_AFFINE)):
            break
        if len(flow.readers[reads[0].producer]) != 1:
            break  # the norm's result is read elsewhere, so what is made of it here is another thing
        shifted = shifted or is_shift
        index = reads[0].producer
    return index
