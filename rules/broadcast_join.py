"""SKL103 broadcast-join."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from skiplint.rules_api import (
    Analysis,
    Family,
    Finding,
    Flow,
    Maker,
    Operand,
    Operation,
    Remedy,
    Rule,
    Severity,
    advised_outputs,
    maker_of_one,
    reaches,
    shape_text,
    tensor_name,
)

_BY_CHANCE = frozenset({"layer", "missing", "input", "picked"})


@dataclass(frozen=True, slots=True)
class _Repeated:
    """An operand that is repeated along some axes, and what made each of them one long."""

    operand: Operand
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    """Counted from the end: -1 is the last."""
    makers: tuple[tuple[Maker, Operation | None], ...]


class BroadcastJoin(Rule):
    """A join whose operands only combine because one is repeated along the other.

    ## What it does
    Reports additions of two tensors that both come from the model's inputs and that do not have one shape:

    - `(N, 1) + (N,)`, which gives `(N, N)`, and other sums that are larger than both operands although
      nobody asked for the missing axes (severity error);
    - a skip whose shortcut or branch ends in a layer with a single channel or feature, where the other one
      has many, or whose shortcut was pooled to one position while the branch was not.

    Broadcasts that are meant are silent: parameters, position tables and masks that do not come from an
    input; products, and with them squeeze-and-excitation and other gates; branches that pool what they
    read (global context); means and maxima that are subtracted, and added back after the layers;
    conditions that come in by an input of their own; everything after an `unsqueeze`, a `None` index or a
    `view` that asks for the axis.

    ## Why it is bad
    It runs and trains, only not as what was meant. A residual of `(N, 1)` and `(N,)` adds every example of
    the batch to every other; as a loss it lets a regression learn the mean of its targets. One channel
    added to sixty-four carries a sixty-fourth of what a shortcut is for.

    ## When it is wrong
    Where one channel is to be added to all, as a grey image to each of three colours. Say so with
    `expand_as`.

    With a batch of one, `(1, 1) + (1,)` cannot be told from what is right: give example inputs with a
    larger batch.

    ## References
    - PyTorch warns of the same in `mse_loss`: "Using a target size that is different to the input size. This
      will likely lead to incorrect results due to broadcasting."
    - Cao et al. 2019, GCNet (arXiv 1904.11492): a pooled branch that is added to every position on purpose.
    """

    code = "SKL103"
    name = "broadcast-join"
    severity = Severity.WARNING
    depends_on_sizes = True

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look at every sum of two tensors of different shape."""
        flow = analysis.of(Flow)
        faulty = {fault.operation for fault in analysis.graph.faults}
        shortcuts = _shortcuts(analysis)
        for operation in analysis.graph:
            if not operation.op.is_a(Family.ADDITION, Family.ALIGNMENT) or operation.index in faulty:
                continue
            reads = flow.reads[operation.index]
            if operation.op.is_a(Family.ALIGNMENT) and not _is_in_loss(flow, operation):
                continue  # asked for
            if len(reads) == 2 and len(set(analysis.graph.shapes(reads))) == 2:
                yield from self._judge(flow, operation, reads[0], reads[1], shortcuts)

    def _judge(
        self, flow: Flow, operation: Operation, left: Operand, right: Operand, shortcuts: dict[int, set[int]]
    ) -> Iterator[Finding]:
        result = operation.outputs[0].shape
        found = [_repeated(flow, operand, result) for operand in (left, right)]
        repeated = [each for each in found if each.axes]
        if len(repeated) == 2:
            if _is_misaligned(flow, repeated[0], repeated[1]):
                yield self._grown(flow, operation, repeated[0], repeated[1])
        elif len(repeated) == 1:
            other = right if repeated[0].operand == left else left
            shortcut = shortcuts.get(operation.index, set())
            if _is_leftover(flow, repeated[0], other, repeated[0].operand.producer in shortcut):
                yield self._narrow(flow, operation, repeated[0], other)

    def _grown(self, flow: Flow, operation: Operation, left: _Repeated, right: _Repeated) -> Finding:
        result, fix = operation.outputs[0].shape, _aligned(operation, left, right)
        return self.finding(
            f"{operation.name} repeats both operands: {shape_text(left.shape)} from {_maker(flow, left)} and "
            f"{shape_text(right.shape)} from {_maker(flow, right)} make {shape_text(result)}",
            node=operation,
            severity=Severity.ERROR,
            shapes=(left.shape, right.shape),
            expected="operands of one shape",
            actual=shape_text(result),
            fix=fix,
            suggestion=None if fix else "give both operands one shape before they are joined",
        )

    def _narrow(self, flow: Flow, operation: Operation, narrow: _Repeated, other: Operand) -> Finding:
        graph = flow.graph
        axis = narrow.axes[0]
        want = graph.spec(other).shape
        pooled = any(maker == "pooled" for maker, _ in narrow.makers)
        name = tensor_name(graph, narrow.operand)
        what = "was pooled to one position" if pooled else "has a single channel"
        advice = None if pooled else advised_outputs(graph, narrow.operand, want)
        return self.finding(
            f"{name}, which is joined here, {what} and is repeated {want[axis]} times",
            node=operation,
            shapes=graph.shapes(operation.operands[:2]),
            expected=shape_text(want),
            actual=shape_text(narrow.shape),
            suggestion=advice.text if advice else "join the tensor as it is before it is pooled",
            fix=advice.fix if advice else None,
        )

    bad = (
        """
        import torch
        from torch import nn


        class Regressor(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden, self.head = nn.Linear(8, 16), nn.Linear(16, 1)

            def forward(self, x):
                base = x.mean(dim=1)
                return base + self.head(torch.relu(self.hidden(x)))  # SKL103


        model = Regressor()
        inputs = (torch.randn(4, 8),)
        """,
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, inside, outside):
                super().__init__()
                self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
                self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
                self.shortcut = nn.Conv2d(inside, 1, 1)

            def forward(self, x):
                return self.conv2(torch.relu(self.conv1(x))) + self.shortcut(x)  # SKL103


        model = Block(8, 16)
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        """
        import torch
        import torch.nn.functional as F
        from torch import nn


        class Loss(nn.Module):
            def __init__(self):
                super().__init__()
                self.model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))

            def forward(self, x, target):
                return F.mse_loss(self.model(x), target)  # SKL103


        model = Loss()
        inputs = (torch.randn(4, 8), torch.randn(4))
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Regressor(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden, self.head = nn.Linear(8, 16), nn.Linear(16, 1)

            def forward(self, x):
                base = x.mean(dim=1, keepdim=True)
                return base + self.head(torch.relu(self.hidden(x)))


        model = Regressor()
        inputs = (torch.randn(4, 8),)
        """,
        '''
        import torch
        import torch.nn.functional as F
        from torch import nn


        class GlobalContext(nn.Module):
            """A pooled branch, a gate, a position table, a condition and the mean of a norm."""

            def __init__(self, width):
                super().__init__()
                self.down, self.up = nn.Conv2d(width, 4, 1), nn.Conv2d(4, width, 1)
                self.gate, self.time = nn.Conv2d(width, 1, 1), nn.Linear(3, width)
                self.position = nn.Parameter(torch.zeros(1, width, 1, 16))

            def forward(self, x, time):
                x = x + self.position + self.time(time)[:, :, None, None]
                x = x * torch.sigmoid(self.gate(x))
                context = F.adaptive_avg_pool2d(x, 1)
                x = x + self.up(torch.relu(self.down(context)))
                return x - x.mean(dim=1, keepdim=True)


        model = GlobalContext(8)
        inputs = (torch.randn(2, 8, 16, 16), torch.randn(2, 3))
        ''',
        '''
        import torch
        from torch import nn


        class Duel(nn.Module):
            """One value and many advantages, from one body."""

            def __init__(self):
                super().__init__()
                self.body = nn.Linear(8, 16)
                self.value, self.advantage = nn.Linear(16, 1), nn.Linear(16, 5)

            def forward(self, x):
                x = torch.relu(self.body(x))
                advantage = self.advantage(x)
                return self.value(x) + advantage - advantage.mean(dim=1, keepdim=True)


        model = Duel()
        inputs = (torch.randn(4, 8),)
        ''',
    )


def _is_in_loss(flow: Flow, operation: Operation) -> bool:
    readers = [flow.graph.operations[index] for index in flow.readers[operation.index]]
    return bool(readers) and all(reader.op.is_a(Family.LOSS) for reader in readers)


def _shortcuts(analysis: Analysis) -> dict[int, set[int]]:
    """For each step of a join the tensors that are identity shortcuts there, by their producers."""
    found: dict[int, set[int]] = {}
    for skip in analysis.skips:
        for connection in skip.connections:
            if connection.shortcut == "identity":
                for step in skip.steps:
                    found.setdefault(step, set()).add(skip.operands[connection.operand].producer)
    return found


def _repeated(flow: Flow, operand: Operand, result: tuple[int, ...]) -> _Repeated:
    shape = flow.graph.spec(operand).shape
    axes = tuple(
        axis
        for axis in range(-len(result), 0)
        if result[axis] != 1 and (axis < -len(shape) or shape[axis] == 1)
    )
    makers: list[tuple[Maker, Operation | None]] = []
    for axis in axes:
        if axis < -len(shape):
            makers.append(("missing", None))
        else:
            makers.append(maker_of_one(flow, operand, len(shape) + axis))
    return _Repeated(operand, shape, axes, tuple(makers))


def _is_misaligned(flow: Flow, left: _Repeated, right: _Repeated) -> bool:
    """Whether the operands are of the same sizes but for axes of one, which nobody asked for."""
    makers = [maker for each in (left, right) for maker, _ in each.makers]
    if not set(makers) <= _BY_CHANCE or [s for s in left.shape if s != 1] != [
        s for s in right.shape if s != 1
    ]:
        return False
    if len(left.shape) == len(right.shape) and any(_is_turned(flow, each.operand) for each in (left, right)):
        return False  # rows against columns, as graph attention adds its scores
    if not {"layer", "picked"}.isdisjoint(makers):
        return True
    above, below = sorted((left.operand.producer, right.operand.producer))
    return reaches(flow, above, below)


def _is_turned(flow: Flow, operand: Operand) -> bool:
    for _ in range(8):
        operation = flow.graph.operations[operand.producer]
        if operation.op.is_a(Family.AXIS_MOVE):
            return True
        if not operation.op.is_unchanged or not flow.reads[operation.index]:
            return False
        operand = flow.reads[operation.index][0]
    return False


def _is_leftover(flow: Flow, narrow: _Repeated, other: Operand, is_shortcut: bool) -> bool:
    """Whether a layer of the skip left one channel over, or pooling the shortcut's one position."""
    makers = {maker for maker, _ in narrow.makers}
    if makers == {"pooled"}:
        return is_shortcut and _weighted_between(flow, narrow, other) and not _is_taken_off(flow, narrow)
    if makers != {"layer"} or len(narrow.axes) != 1 or len(narrow.shape) != len(flow.graph.spec(other).shape):
        return False
    layer = narrow.makers[0][1]
    assert layer is not None
    fork = layer.operands[0].producer
    if reaches(flow, other.producer, narrow.operand.producer):
        return True  # a branch with one output, added to what it was made from
    # A projection with one output beside a branch of two or more layers from the same tensor.
    longest, tree = flow.tree.longest, flow.tree
    deep = longest[other.producer] - longest[fork] >= 2 and tree.dominates(fork, other.producer)
    return deep and len(narrow.shape) >= 3


def _is_taken_off(flow: Flow, narrow: _Repeated) -> bool:
    """Whether what is added was taken off before: the mean of a series, kept out of the layers."""
    readers = flow.readers[narrow.operand.producer]
    return any(flow.graph.operations[index].op.is_a(Family.DIFFERENCE) for index in readers)


def _weighted_between(flow: Flow, narrow: _Repeated, other: Operand) -> bool:
    pool = narrow.makers[0][1]
    if pool is None or not flow.reads[pool.index]:
        return False
    source = flow.reads[pool.index][0].producer
    tree = flow.tree
    return tree.dominates(source, other.producer) and tree.shortest[other.producer] > tree.shortest[source]


def _maker(flow: Flow, repeated: _Repeated) -> str:
    return flow.graph.operations[repeated.operand.producer].id


def _aligned(operation: Operation, left: _Repeated, right: _Repeated) -> Remedy | None:
    """The operand with more axes without its last one, where that gives the other's shape."""
    longer, shorter = (left, right) if len(left.shape) > len(right.shape) else (right, left)
    if operation.op.is_a(Family.ALIGNMENT):
        return None  # written inside of the loss
    if longer.shape[:-1] != shorter.shape or math.prod(longer.shape) != math.prod(shorter.shape):
        return None
    position = operation.operands.index(longer.operand)
    return Remedy(
        kind="wrap-operand",
        target=operation.id,
        argument=operation.operands[position].argument,
        old=None,
        new="{}.squeeze(-1)",
        description=f"take the last axis from {shape_text(longer.shape)} with squeeze(-1), or give it to the "
        "other operand with unsqueeze(-1)",
        safe=False,
    )
