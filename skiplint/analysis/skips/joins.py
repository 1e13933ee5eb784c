"""Where tensors meet: the operations that add or concatenate, put together to logical joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from skiplint.analysis.flow import Flow
from skiplint.analysis.skips.roles import gate_operand, gate_source, is_noise
from skiplint.graph import Operand, Operation
from skiplint.operators import Family
from skiplint.operators.axes import concatenated_axis, index_items

ScaleKind = Literal["parameter", "constant"]


@dataclass(frozen=True, slots=True)
class Branch:
    """One operand of a join, seen past what belongs to the join itself: a scale, a gate, views, dropout."""

    operand: Operand
    """What the join reads."""
    starts: tuple[Operand, ...]
    """The operands from which features are followed back: those of the gate, if there is one."""
    gate: int | None = None
    """The product with a learned, data-dependent factor."""
    scale: ScaleKind | None = None
    source: Operand | None = None
    """The operand that the scale or gate multiplies, None if there is neither."""


@dataclass(frozen=True, slots=True)
class Join:
    """A logical join: ``steps`` are its operations, the last one completes it."""

    kind: Literal["additive", "concatenative"]
    steps: tuple[int, ...]
    branches: tuple[Branch, ...]
    axis: int | None = None
    """The axis that a concatenation grows, counted from 0; None if unknown."""

    @property
    def index(self) -> int:
        """The operation that completes the join."""
        return self.steps[-1]


def find_joins(flow: Flow) -> Iterator[Join]:
    """Every operation that joins two or more feature tensors, in execution order, one step each."""
    for operation in flow.graph:
        if operation.kind == "call" and len(flow.reads[operation.index]) >= 2:
            join = _join_at(flow, operation)
            if join is not None:
                yield join
        elif operation.op.is_a(Family.SUM):
            join = _stack_sum(flow, operation)
            if join is not None:
                yield join


def _join_at(flow: Flow, operation: Operation) -> Join | None:
    op, index = operation.op, operation.index
    reads = flow.reads[index]
    if op.is_a(Family.ADDITION, Family.CHOICE):
        return _addition(flow, operation, reads)
    if op.is_a(Family.BLEND):
        return _lerp(flow, operation)
    if op.is_a(Family.ADDED_PRODUCT):
        return _addcmul(flow, operation)
    if op.is_a(Family.ADDED_CONTRACTION):
        first = operation.operands[0]
        if first in reads:
            return Join("additive", (index,), (branch(flow, first), Branch(reads[1], reads[1:])))
        return None
    if op.is_a(Family.CONCATENATION) and not _feeds_stack_sum(flow, operation):
        axis = concatenated_axis(operation, len(operation.outputs[0].shape))
        return Join("concatenative", (index,), _plain(flow, reads), axis)
    if op.is_a(Family.ITEM_WRITE):
        return Join("concatenative", (index,), _plain(flow, reads), _written_axis(flow, operation))
    if op.is_a(Family.UPDATE):
        return Join("concatenative", (index,), _plain(flow, reads), _updated_axis(flow, operation))
    return None


def _addition(flow: Flow, operation: Operation, reads: tuple[Operand, ...]) -> Join:
    branches = tuple(branch(flow, operand) for operand in reads)
    alpha = operation.setting("alpha")
    if isinstance(alpha, (int, float)) and alpha != 1:
        branches = (branches[0], *(replace(each, scale=each.scale or "constant") for each in branches[1:]))
    axis = _disjoint_padding_axis(flow, branches)
    if axis is not None:
        return Join("concatenative", (operation.index,), branches, axis)
    return Join("additive", (operation.index,), branches)


def _plain(flow: Flow, reads: tuple[Operand, ...]) -> tuple[Branch, ...]:
    return tuple(_gated_only(branch(flow, operand)) for operand in reads)


def _gated_only(found: Branch) -> Branch:
    """At a concatenation a scale is an ordinary operation of the branch."""
    return found if found.gate is not None else Branch(found.operand, (found.operand,))


def _lerp(flow: Flow, operation: Operation) -> Join | None:
    reads = flow.reads[operation.index]
    branches = [branch(flow, operand) for operand in reads[:2]]
    if len(reads) == 3 and is_learned(flow, reads[2]):
        branches = [replace(each, gate=operation.index) for each in branches]
    else:
        weights = [flow.graph.operations[operand.producer].learned for operand in operation.operands[2:]]
        scale: ScaleKind = "parameter" if any(weights) else "constant"
        branches = [replace(each, scale=each.scale or scale) for each in branches]
    return Join("additive", (operation.index,), tuple(branches))


def _addcmul(flow: Flow, operation: Operation) -> Join | None:
    base, *factors = operation.operands
    reads = flow.reads[operation.index]
    learned = [factor for factor in factors if factor in reads]
    if base not in reads or not learned:
        return None
    if len(learned) == 2:
        gates = [is_learned(flow, factor) for factor in learned]
        product = Branch(learned[0], tuple(learned), operation.index if any(gates) else None)
    else:
        other = next(factor for factor in factors if factor is not learned[0])
        source = flow.graph.operations[other.producer]
        product = Branch(learned[0], (learned[0],), None, "parameter" if source.learned else "constant")
    return Join("additive", (operation.index,), (branch(flow, base), product))


def _stack_sum(flow: Flow, operation: Operation) -> Join | None:
    """``torch.stack([a, b]).sum(0)`` adds; the two operations are one join.

    So are the three of ``(torch.stack([a, b]) * torch.stack([g, 1 - g])).sum(0)``, where a gate mixes.
    """
    reads = flow.reads[operation.index]
    if not reads:
        return None
    source = flow.graph.operations[reads[0].producer]
    product = None
    if source.op.is_a(Family.PRODUCT) and flow.readers[source.index] == (operation.index,):
        product, stacks = source, flow.reads[source.index]
        mixed = [operand for operand in stacks if _mixes(flow, stacks, operand)]
        if len(mixed) != 1:
            return None
        source = flow.graph.operations[mixed[0].producer]
    parts = flow.reads[source.index]
    if not source.op.is_a(Family.STACK) or len(parts) < 2 or not _sums(operation, source):
        return None
    if product is None and len(flow.readers[source.index]) == 1:
        steps = source.index, operation.index
        return Join("additive", steps, tuple(branch(flow, operand) for operand in parts))
    if product is None:
        return None
    gated = tuple(Branch(operand, (operand,), product.index) for operand in parts)
    return Join("additive", (source.index, product.index, operation.index), gated)


def _mixes(flow: Flow, factors: tuple[Operand, ...], operand: Operand) -> bool:
    """Whether ``operand`` is a stack of two that is multiplied by a stack of a gate and what it leaves."""
    weights = [other for other in factors if other is not operand]
    stacks = [flow.graph.operations[each.producer] for each in (operand, *weights)]
    if len(stacks) != 2 or not all(each.op.is_a(Family.STACK) for each in stacks):
        return False
    axes = [each.setting("dim") for each in stacks]
    gates = [gate_source(flow, each) for each in flow.reads[stacks[1].index]]
    return (
        len(flow.reads[stacks[0].index]) == 2
        and len(flow.readers[stacks[0].index]) == 1
        and len(gates) == 2
        and axes[0] == axes[1]
        and gates[0] is not None
        and gates[0] == gates[1]
    )


def _feeds_stack_sum(flow: Flow, operation: Operation) -> bool:
    readers = flow.readers[operation.index]
    if not operation.op.is_a(Family.STACK) or len(readers) != 1:
        return False
    reader = flow.graph.operations[readers[0]]
    if reader.op.is_a(Family.PRODUCT) and len(flow.readers[reader.index]) == 1:
        further = flow.graph.operations[flow.readers[reader.index][0]]
        return further.op.is_a(Family.SUM) and _stack_sum(flow, further) is not None
    return reader.op.is_a(Family.SUM) and _sums(reader, operation)


def _sums(reduction: Operation, stack: Operation) -> bool:
    """Whether ``reduction`` is over the axis that ``stack`` made."""
    axis, summed = stack.setting("dim"), reduction.setting("dim")
    if isinstance(summed, tuple) and len(summed) == 1:
        summed = summed[0]
    rank = len(stack.outputs[0].shape)
    return isinstance(axis, int) and isinstance(summed, int) and axis % rank == summed % rank


def branch(flow: Flow, operand: Operand) -> Branch:
    """Look back from a join's operand past views, dropout, scales and at most one gate."""
    current = operand
    scales: list[ScaleKind | None] = []
    noisy = False
    for _ in range(16):
        operation = flow.graph.operations[current.producer]
        reads = flow.reads[current.producer]
        if len(flow.readers[current.producer]) != 1 or not reads:
            break
        op = operation.op
        if op.is_a(Family.PRODUCT) and len(reads) == 2:
            gated = _gated(flow, operand, operation)
            if gated is not None:
                return replace(gated, scale=_scale(scales, noisy))
            break
        if op.is_a(Family.GATED_HALVES):
            return Branch(operand, (current,), current.producer, _scale(scales, noisy))
        if op.is_a(Family.PRODUCT, Family.DIVISION) and len(reads) == 1:
            noisy = noisy or any(is_noise(flow, each) for each in operation.operands if each not in reads)
            scales.append(_factor(flow, operation))
        elif not (op.is_a(Family.NEGATION) or op.is_unchanged) or len(reads) != 1:
            break
        current = reads[0]
    source = None if current is operand else current
    return Branch(operand, (operand,), None, _scale(scales, noisy), source)


def _scale(found: list[ScaleKind | None], noisy: bool) -> ScaleKind | None:
    """What the factors amount to; beside a random mask, constants are its keep probability."""
    if "parameter" in found:
        return "parameter"
    return "constant" if "constant" in found and not noisy else None


def _factor(flow: Flow, operation: Operation) -> ScaleKind | None:
    """The kind of the factor that is not a feature."""
    others = [operand for operand in operation.operands if operand not in flow.reads[operation.index]]
    if not others:
        numbers = [arg for arg in operation.args if isinstance(arg, (int, float))]
        return "constant" if any(number != 1 for number in numbers) else None
    if any(flow.graph.operations[operand.producer].learned for operand in others):
        return "parameter"
    return None if any(is_noise(flow, operand) for operand in others) else "constant"


def _gated(flow: Flow, operand: Operand, product: Operation) -> Branch | None:
    reads = flow.reads[product.index]
    gate = gate_operand(flow, product)
    if gate is not None:
        if not is_learned(flow, reads[gate]):
            return None
        value = reads[1 - gate]
        return Branch(operand, (value,), product.index, None, value)
    if any(is_learned(flow, each) for each in reads) and not _related(flow, reads[0], reads[1]):
        return Branch(operand, reads, product.index)
    return None


def is_learned(flow: Flow, operand: Operand) -> bool:
    """Whether a tensor is computed from data with learned weights."""
    operation = flow.graph.operations[operand.producer]
    return operation.learned and operation.data


def _related(flow: Flow, left: Operand, right: Operand) -> bool:
    return reaches(flow, left.producer, right.producer) or reaches(flow, right.producer, left.producer)


def reaches(flow: Flow, above: int, below: int) -> bool:
    """Whether features flow from operation ``above`` to ``below``; looks only between the two."""
    if above >= below:
        return above == below
    tree = flow.tree
    if tree.dominates(above, below):
        return True
    pending, seen = [below], {below}
    while pending:
        index = pending.pop()
        for operand in flow.reads[index]:
            producer = operand.producer
            while tree.parent[producer] > above:
                producer = tree.parent[producer]  # every path to it comes through its dominator
            if producer == above:
                return True
            if producer > above and producer not in seen:
                seen.add(producer)
                pending.append(producer)
    return False


def _written_axis(flow: Flow, operation: Operation) -> int | None:
    """The one axis along which ``buffer[..., a:b, ...] = value`` writes a part."""
    items = index_items(operation, len(flow.graph.spec(operation.operands[0]).shape))
    partial = [axis for axis, item in enumerate(items) if item != slice(None)]
    if len(partial) == 1 and isinstance(items[partial[0]], (slice, int)):
        return partial[0]
    return None


def _updated_axis(flow: Flow, operation: Operation) -> int | None:
    """The one axis along which the values written into views of a buffer are smaller than it."""
    whole = operation.outputs[0].shape
    axes: set[int] = set()
    for operand in operation.operands[1:]:
        part = flow.graph.spec(operand).shape
        if len(part) != len(whole):
            return None
        axes.update(axis for axis, sizes in enumerate(zip(part, whole, strict=True)) if sizes[0] != sizes[1])
    return axes.pop() if len(axes) == 1 else None


def _disjoint_padding_axis(flow: Flow, branches: tuple[Branch, ...]) -> int | None:
    """The axis on which zero-padded operands do not overlap: adding them concatenates."""
    if len(branches) != 2:
        return None
    left, right = (_padding(flow, each.operand) for each in branches)
    if left is None or right is None:
        return None
    for axis, ((start, stop), (other_start, other_stop)) in enumerate(zip(left, right, strict=False)):
        if stop <= other_start or other_stop <= start:
            return axis
    return None


def _padding(flow: Flow, operand: Operand) -> list[tuple[int, int]] | None:
    """Where the content of a zero-padded tensor lies on each axis."""
    operation = flow.graph.operations[operand.producer]
    if not operation.op.is_a(Family.PADDING) or operation.setting("mode") not in (None, "constant"):
        return None
    amounts = operation.setting("pad")
    inside = flow.graph.spec(operation.operands[0]).shape
    if not isinstance(amounts, tuple):
        return None
    extents = [(0, size) for size in inside]
    for position in range(len(amounts) // 2):
        axis = len(inside) - 1 - position
        before = amounts[2 * position]
        extents[axis] = (before, before + inside[axis])
    return extents
