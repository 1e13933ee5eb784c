"""What an operation does to features: keep them, join them, gate them, reduce them to a number."""

from __future__ import annotations

from skiplint.analysis.flow import Flow
from skiplint.graph import Operand, Operation
from skiplint.operators import Family


def is_single_projection(operation: Operation) -> bool:
    """A weighted layer that can stand on a projection shortcut: a convolution or a linear map."""
    return operation.weighted and not operation.op.is_a(Family.RECURRENT, Family.EMBEDDING)


def is_noise(flow: Flow, operand: Operand) -> bool:
    """A random mask: what stochastic depth and hand-written dropout multiply by."""
    seen = 0
    index = operand.producer
    while seen < 8:
        operation = flow.graph.operations[index]
        if operation.op.is_a(Family.RANDOM, Family.EMPTY):
            return True
        if operation.kind != "call" or not operation.operands:
            return False
        index = operation.operands[0].producer
        seen += 1
    return False


def reduces_to_number(flow: Flow, operation: Operation) -> bool:
    """One number from a tensor of many: a loss or a statistic."""
    if operation.kind != "call" or operation.weighted or not operation.outputs:
        return False
    result = operation.outputs[0]
    many = any(flow.graph.spec(operand).nbytes > result.nbytes for operand in flow.reads[operation.index])
    return result.shape in ((), (1,)) and many


def boundedness(flow: Flow, operand: Operand) -> int:
    """How much a factor looks like a gate: 2 after a sigmoid or softmax, 1 after tanh, else 0.

    Looks through views and through arithmetic with constants (``1 - t``, ``t * 2``), and into a stack of a
    gate and what it leaves.
    """
    stack = flow.graph.operations[operand.producer]
    if stack.op.is_a(Family.STACK) and len(flow.reads[stack.index]) == 2:
        gates = [gate_source(flow, each) for each in flow.reads[stack.index]]
        return 2 if gates[0] is not None and gates[0] == gates[1] else 0
    index = gate_source(flow, operand)
    if index is None:
        return 0
    return 2 if flow.graph.operations[index].op.bounds == (0, 1) else 1


def gate_source(flow: Flow, operand: Operand) -> int | None:
    """The bounded activation that ``operand`` comes from by views and arithmetic with constants, if any."""
    index = operand.producer
    for _ in range(12):
        operation = flow.graph.operations[index]
        if operation.op.bounds is not None:
            return index
        if not (operation.op.is_unchanged or operation.op.is_a(*_ARITHMETIC)) or len(flow.reads[index]) != 1:
            return None
        index = flow.reads[index][0].producer
    return None


_ARITHMETIC = (Family.ADDITION, Family.PRODUCT, Family.DIVISION, Family.NEGATION)


def gate_operand(flow: Flow, operation: Operation) -> int | None:
    """Which of the two feature operands of a product is the gate, None if neither stands out.

    The one that ends in the more bounded activation; else the one that is broadcast over the other.
    """
    left, right = flow.reads[operation.index]
    ranks = boundedness(flow, left), boundedness(flow, right)
    if ranks[0] != ranks[1]:
        return 0 if ranks[0] > ranks[1] else 1
    sizes = [flow.graph.spec(operand).nbytes for operand in (left, right)]
    if sizes[0] != sizes[1]:
        return 0 if sizes[0] < sizes[1] else 1
    return None


def kept_operands(flow: Flow, index: int) -> tuple[Operand, ...]:
    """Operands whose features come out of the operation one for one: where a shortcut may come from.

    Element-wise maps, norms, pooling, views and sums keep features; a product keeps the operand that is
    not the gate; a product of two feature matrices (attention) keeps none.
    """
    operation = flow.graph.operations[index]
    reads = flow.reads[index]
    if len(reads) <= 1:
        return reads
    op = operation.op
    if op.is_a(Family.BLEND):
        return reads[:2]
    if op.is_a(*_JOINING):
        return reads
    if op.is_a(Family.PRODUCT) and len(reads) == 2:
        gate = gate_operand(flow, operation)
        return () if gate is None else (reads[1 - gate],)
    layer = op.is_a(Family.CONVOLUTION, Family.LINEAR)
    return reads[:1] if op.is_a(Family.FIRST_KEPT) and (operation.weighted or not layer) else ()


_JOINING = (Family.ADDITION, Family.CONCATENATION, Family.CHOICE, Family.ITEM_WRITE, Family.UPDATE)


def feature_operations(flow: Flow) -> frozenset[int]:
    """Operations whose result reaches the output as features, not only through gates or attention weights."""
    alive = bytearray(len(flow.reads))
    operations = flow.graph.operations
    for index in range(len(operations) - 1, -1, -1):
        operation = operations[index]
        if operation.kind != "output" and not alive[index]:
            continue
        reads = flow.reads[index]
        for position, operand in enumerate(reads):
            if not is_control(flow, operation, position):
                alive[operand.producer] = 1
    return frozenset(index for index, flag in enumerate(alive) if flag)


def is_control(flow: Flow, operation: Operation, position: int) -> bool:
    """Whether a feature operand only weighs the others: a gate, attention weights, queries and keys."""
    reads = flow.reads[operation.index]
    op = operation.op
    if len(reads) == 2 and op.is_a(Family.PRODUCT):
        return gate_operand(flow, operation) == position and boundedness(flow, reads[position]) > 0
    if op.is_a(Family.CONTRACTION) and len(reads) == 2:
        return boundedness(flow, reads[position]) == 2
    if op.is_a(Family.ATTENTION):
        return position != min(2, len(reads) - 1)
    return False


def losses(flow: Flow) -> frozenset[int]:
    """Operations whose result is used for nothing but a number before any weighted layer (a loss)."""
    operations = flow.graph.operations
    used = bytearray(len(operations))
    for index in range(len(operations) - 1, -1, -1):
        operation = operations[index]
        unread = not flow.readers[index]  # a result that nobody asks for is no loss
        if unread:
            used[index] = 1
        live = operation.weighted or operation.kind == "output" or used[index]
        if live and not reduces_to_number(flow, operation):
            for operand in flow.reads[index]:
                used[operand.producer] = 1
    return frozenset(index for index, flag in enumerate(used) if not flag)
