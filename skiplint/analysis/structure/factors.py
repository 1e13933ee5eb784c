"""The constant numbers that tensors are multiplied by, and the weight of each operand at a join."""

from __future__ import annotations

from collections.abc import Collection
from math import prod

from skiplint.analysis.flow import Flow
from skiplint.analysis.live_model import State
from skiplint.analysis.provider import TracedModel
from skiplint.graph import Operand, OperandRef, Operation, TensorId
from skiplint.operators import Family

Term = tuple[Operand, float]
"""A tensor and the number that it is multiplied by."""
_MOST_STEPS = 16


class Factors:
    """The constant factors in a graph, read from calls, and from buffers where their values are at hand."""

    def __init__(self, analysis: TracedModel) -> None:
        self._analysis = analysis
        self._flow = analysis.of(Flow)

    @classmethod
    def compute(cls, analysis: TracedModel) -> Factors:
        """The factors of a traced model; values are read when they are first needed."""
        return cls(analysis)

    def number(self, operation: Operation, argument: object) -> float | None:
        """The value of an argument that is a number, or a tensor of one number everywhere; else None."""
        if isinstance(argument, (int, float)) and not isinstance(argument, bool):
            return float(argument)
        if isinstance(argument, OperandRef):
            return self._held(operation.operands[argument.position])
        return None

    def of(self, operation: Operation) -> float | None:
        """The constant by which ``operation`` multiplies the one tensor that it reads; else None."""
        if len(self._flow.reads[operation.index]) != 1 or len(operation.args) < 2:
            return None
        first, second = operation.args[:2]
        if operation.op.is_a(Family.PRODUCT):
            values = [self.number(operation, each) for each in (first, second)]
            return next((value for value in values if value is not None), None)
        if operation.op.is_a(Family.DIVISION) and operation.setting("rounding_mode") is None:
            value = self.number(operation, second)
            return 1 / value if value else None
        return None

    def weights(self, join: Operation, steps: Collection[int], stop: TensorId) -> dict[TensorId, float]:
        """What ``join`` adds up: each tensor with the constant that it is multiplied by.

        Args:
            join: the last operation of the join.
            steps: indices of all additions that belong to it, as in ``Skip.steps``.
            stop: a tensor that is not traced back further, such as the fork.
        """
        form: dict[TensorId, float] = {}
        pending = [(term, 0) for term in self._terms(join, steps) or ()]
        while pending:
            (operand, factor), depth = pending.pop()
            summands = None
            if operand.tensor != stop and depth < _MOST_STEPS:
                summands = self._terms(self._flow.graph.operations[operand.producer], steps)
            if summands is None:
                form[operand.tensor] = form.get(operand.tensor, 0.0) + factor
            else:
                pending.extend(((each, factor * number), depth + 1) for each, number in summands)
        return form

    def after(self, join: Operation) -> tuple[list[tuple[Operation, float]], Operation]:
        """The constants that multiply the result of ``join``, as (call, constant), and the last call."""
        found: list[tuple[Operation, float]] = []
        last = join
        for _ in range(_MOST_STEPS):
            readers = self._flow.readers[last.index]
            if len(readers) != 1:
                break
            reader = self._flow.graph.operations[readers[0]]
            factor = self.of(reader)
            if factor is not None:
                found.append((reader, factor))
            elif not reader.op.is_unchanged or len(self._flow.reads[reader.index]) != 1:
                break
            last = reader
        return found, last

    def _terms(self, operation: Operation, steps: Collection[int]) -> list[Term] | None:
        """``operation`` as a sum of what it reads; None where it is anything else."""
        reads = self._flow.reads[operation.index]
        op = operation.op
        if len(reads) == 1 and operation.index not in steps:
            if op.is_unchanged or (op.is_a(Family.ADDITION) and not op.is_a(Family.DIFFERENCE)):
                return [(reads[0], 1.0)]
            factor = -1.0 if op.is_a(Family.NEGATION) else self.of(operation)
            return None if factor is None else [(reads[0], factor)]
        if operation.index not in steps:
            return None
        if op.is_a(Family.ADDITION) and "alpha" in op.settings and len(reads) == 2:
            alpha = self.number(operation, operation.setting("alpha"))
            if alpha is None:
                return None
            return [(reads[0], 1.0), (reads[1], -alpha if op.is_a(Family.DIFFERENCE) else alpha)]
        if op.is_a(Family.BLEND) and len(reads) == 2:
            weight = self.number(operation, operation.setting("weight"))
            return None if weight is None else [(reads[0], 1 - weight), (reads[1], weight)]
        if op.is_a(Family.STACK):
            return [(each, 1.0) for each in reads]
        return self._reduced(operation, reads)

    def _reduced(self, operation: Operation, reads: tuple[Operand, ...]) -> list[Term] | None:
        if not operation.op.is_a(Family.SUM) or len(reads) != 1:
            return None
        many = prod(self._flow.graph.spec(reads[0]).shape) / max(prod(operation.outputs[0].shape), 1)
        return [(reads[0], 1 / many if operation.op.is_a(Family.AVERAGE) else 1.0)]

    def _held(self, operand: Operand) -> float | None:
        """The one number in a buffer, or in a tensor that the forward makes of a number."""
        operation = self._flow.graph.operations[operand.producer]
        while operation.op.is_unchanged and len(operation.operands) == 1:
            operation = self._flow.graph.operations[operation.operands[0].producer]
        if operation.op.is_a(Family.ZEROS):
            return 0.0
        if operation.op.is_a(Family.NUMBER):
            value = operation.setting("data")
            return float(value) if isinstance(value, (int, float)) else None
        if operation.kind != "buffer":
            return None
        held = (self._analysis.of(State) or {}).get(operation.id)
        if held is None or held.is_meta or not held.is_floating_point() or not held.numel():
            return None
        number = held.flatten()[0]
        return float(number) if bool((held == number).all()) else None
