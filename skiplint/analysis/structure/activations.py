"""Where a graph applies an activation: torch's own, and those that are computed by hand."""

from __future__ import annotations

from skiplint.analysis.flow import Flow, past_views
from skiplint.graph import Operand, Operation
from skiplint.operators import Family

_MOST_STEPS = 8
_ARITHMETIC = (Family.POINTWISE, Family.ADDITION, Family.PRODUCT, Family.DIVISION, Family.NEGATION)


def activated(flow: Flow, operation: Operation) -> Operand | None:
    """The tensor to which ``operation`` applies an activation; None if it applies none.

    By hand means a product or a quotient of a tensor with an element-wise function of that tensor alone, as
    in ``x / (1 + abs(x))`` (which is how ``F.softsign`` computes it) or ``x * tanh(softplus(x))``.
    """
    reads = flow.reads[operation.index]
    if operation.op.is_a(Family.ACTIVATION):
        return reads[0] if reads else None
    if not operation.op.is_a(Family.PRODUCT, Family.DIVISION) or len(reads) != 2:
        return None
    orders = (reads,) if operation.op.is_a(Family.DIVISION) else (reads, reads[::-1])
    for source, factor in orders:
        if _is_pointwise(flow, past_views(flow, factor), past_views(flow, source)):
            return source
    return None


def _is_pointwise(flow: Flow, operand: Operand, source: Operand) -> bool:
    """Whether ``operand`` is a nonlinear function of each element of ``source`` and of constants."""
    nonlinear = False
    for _ in range(_MOST_STEPS):
        if operand.tensor == source.tensor:
            return nonlinear
        operation, reads = flow.graph.operations[operand.producer], flow.reads[operand.producer]
        constant = not any(
            flow.graph.operations[each.producer].learned for each in operation.operands if each not in reads
        )
        if len(reads) != 1 or not constant or not operation.op.is_a(*_ARITHMETIC):
            return False
        nonlinear = nonlinear or operation.op.is_a(Family.POINTWISE)
        operand = past_views(flow, reads[0])
    return False
