"""What an operation does to features: keep them, join them, gate them, reduce them to a number."""

from __future__ import annotations

from skiplint.analysis.structure.flow import Flow
from skiplint.graph import Operand, Operation

ADDITIONS = frozenset({"add", "sub", "add_relu", "index_add"})
"""Element-wise sums."""
CONCATENATIONS = frozenset({"cat", "stack", "hstack", "vstack", "dstack", "column_stack", "row_stack"})
_SUMS = frozenset({"sum", "mean", "nansum", "nanmean"})
_SELECTIONS = frozenset(
    "getitem select unbind index_select narrow split chunk tensor_split split_with_sizes unsafe_split "
    "unsafe_chunk slice index".split()
)
_BOUNDED = {
    **dict.fromkeys(("sigmoid", "hardsigmoid", "softmax", "_softmax"), 2),
    **dict.fromkeys(("log_sigmoid", "tanh", "hardtanh"), 1),
}
_NOT_ON_SHORTCUTS = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu", "embedding", "embedding_bag"})
_NOISE = frozenset({"bernoulli", "rand", "rand_like", "randn_like", "uniform", "empty_like", "new_empty"})
_UNCHANGED = frozenset(
    "view reshape _unsafe_view flatten unflatten squeeze unsqueeze permute transpose movedim contiguous "
    "clone alias update to float half bfloat16 double type type_as expand expand_as view_as reshape_as "
    "getitem select dropout feature_dropout alpha_dropout detach t swapaxes swapdims rearrange narrow".split()
)


def is_unchanged(operation: Operation) -> bool:
    """Views, copies, casts and dropout: what stands between an operand and the join it belongs to."""
    return operation.base_name in _UNCHANGED


def is_selection(operation: Operation) -> bool:
    """Takes a part of its operand (a slice, a chunk, one step of a sequence)."""
    return operation.base_name in _SELECTIONS


def is_single_projection(operation: Operation) -> bool:
    """A weighted layer that can stand on a projection shortcut: a convolution or a linear map."""
    name = operation.base_name
    return operation.weighted and name not in _NOT_ON_SHORTCUTS and not name.endswith("_cell")


def is_stack_reduction(operation: Operation) -> bool:
    """``sum`` or ``mean``, the second half of ``stack(...).sum(0)``."""
    return operation.base_name in _SUMS


def concatenated_axis(operation: Operation) -> int | None:
    """The axis of the result along which the operands of a concatenation lie."""
    name = operation.base_name
    rank = len(operation.outputs[0].shape)
    if name in ("cat", "stack"):
        axis = operation.argument(1, "dim", operation.kwargs.get("axis", 0))
        return axis % rank if isinstance(axis, int) and rank else None
    if name == "hstack":
        return 0 if rank == 1 else 1
    if name in ("vstack", "row_stack"):
        return 0
    return 2 if name == "dstack" else 1


def is_noise(flow: Flow, operand: Operand) -> bool:
    """A random mask: what stochastic depth and hand-written dropout multiply by."""
    seen = 0
    index = operand.producer
    while seen < 8:
        operation = flow.graph.operations[index]
        if operation.base_name in _NOISE:
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
    if stack.base_name == "stack" and len(flow.reads[stack.index]) == 2:
        gates = [gate_source(flow, each) for each in flow.reads[stack.index]]
        return 2 if gates[0] is not None and gates[0] == gates[1] else 0
    index = gate_source(flow, operand)
    return 0 if index is None else _BOUNDED[flow.graph.operations[index].base_name]


def gate_source(flow: Flow, operand: Operand) -> int | None:
    """The bounded activation that ``operand`` comes from by views and arithmetic with constants, if any."""
    index = operand.producer
    for _ in range(12):
        operation = flow.graph.operations[index]
        if operation.base_name in _BOUNDED:
            return index
        transparent = is_unchanged(operation) or operation.base_name in {"sub", "add", "mul", "div", "neg"}
        if not transparent or len(flow.reads[index]) != 1:
            return None
        index = flow.reads[index][0].producer
    return None


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
    name = operation.base_name
    if name in ADDITIONS or name in CONCATENATIONS or name in {"where", "lerp", "setitem", "update"}:
        return reads[:2] if name == "lerp" else reads
    if name == "mul" and len(reads) == 2:
        gate = gate_operand(flow, operation)
        return () if gate is None else (reads[1 - gate],)
    if name in {"div", "addcmul", "addcdiv", "masked_scatter", "prelu", "atan2"}:
        return reads[:1]
    if operation.weighted and name.startswith(("conv", "linear")):
        return reads[:1]
    if "norm" in name or name in {"clamp", "maximum", "minimum"}:
        return reads[:1]
    return ()


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
    name = operation.base_name
    if len(reads) == 2 and name == "mul":
        return gate_operand(flow, operation) == position and boundedness(flow, reads[position]) > 0
    if name in {"matmul", "bmm", "einsum", "baddbmm"} and len(reads) == 2:
        return boundedness(flow, reads[position]) == 2
    if name == "scaled_dot_product_attention":
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
