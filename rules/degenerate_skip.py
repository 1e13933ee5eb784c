"""SKL205 degenerate-skip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Factors,
    Family,
    Finding,
    Flow,
    Norms,
    Operand,
    Operation,
    Rule,
    Severity,
    Skip,
    activated,
    tensor_name,
)


class DegenerateSkip(Rule):
    """A join that adds a tensor to itself, with nothing learned in between, or the same shortcut twice.

    ## What it does
    Reports an addition or a subtraction whose two operands are one and the same tensor or copies of it, one
    that adds to a tensor what only activations, norms and dropout make of it, and a join that takes in the
    same tensor as a shortcut more than once. Pooling, filters, shifts, products and differences are
    computations of their own, learned or not, and are left alone (PoolFormer, Fourier mixers, rotary
    embeddings, sharpening, global response normalisation), and so are detached tensors (straight-through
    estimators).

    ## Why it is bad
    `x + x` skips nothing: it is `2 * x`, and the branch that was meant to be added has no part in the
    output and no gradient. `x - x` is zero. A shortcut that is added twice carries twice the weight of
    the branch, and in a stack of blocks the factors multiply. Nothing fails: shapes agree and the loss
    goes down, only less than it should. The usual cause is a variable that was overwritten or mistyped
    while a block was edited: `x + self.drop(x)` for `x + self.drop(y)`.

    ## When it is wrong
    Where doubling is meant: write `2 * x`, which says so and is not reported. Where the sum is an activation
    function of its own.

    ## References
    - He et al. 2016, Identity Mappings in Deep Residual Networks (arXiv 1603.05027), section 3.1: a factor
      other than 1 on the shortcut grows or fades exponentially with depth.
    """

    code = "SKL205"
    name = "degenerate-skip"
    severity = Severity.WARNING

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look at every addition for one tensor twice, then at every skip for one shortcut twice."""
        flow = analysis.of(Flow)
        norms, factors = analysis.of(Norms), analysis.of(Factors)
        reported: set[int] = set()
        for operation in analysis.graph:
            message = _alone(flow, norms, operation)
            if message is not None:
                reported.add(operation.index)
                yield self._finding(flow, operation, message, operation.operands)
        for skip in analysis.skips:
            repeated = _repeated_shortcut(flow, factors, skip)
            if repeated is not None and reported.isdisjoint(skip.steps):
                yield self._finding(
                    flow,
                    flow.graph.operations[skip.join],
                    f"the shortcut from {tensor_name(flow.graph, repeated)} is joined more than once",
                    skip.operands,
                )

    def _finding(self, flow: Flow, node: Operation, message: str, operands: tuple[Operand, ...]) -> Finding:
        return self.finding(
            message,
            node=node,
            shapes=tuple(flow.graph.spec(operand).shape for operand in operands),
            suggestion="join the branch's output with its input, each once; "
            "if the factor is meant, write it as a multiplication",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return torch.relu(out + out)  # SKL205


        model = Block(8)
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.fc1 = nn.Linear(width, width)
                self.fc2 = nn.Linear(width, width)

            def forward(self, x):
                out = self.fc2(torch.relu(self.fc1(x)))
                out = out + x
                return out + x  # SKL205


        model = nn.Sequential(nn.Linear(8, 8), Block(8))
        inputs = (torch.randn(1, 8),)
        """,
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
                self.drop = nn.Dropout(0.1)

            def forward(self, x):
                x = self.branch(x)
                return x + self.drop(x)  # SKL205


        model = nn.Sequential(nn.Linear(8, 8), Block(8))
        inputs = (torch.randn(1, 8),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return torch.relu(out + x)


        model = Block(8)
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        """
        import torch
        from torch import nn


        class Doubled(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.fc = nn.Linear(width, width)

            def forward(self, x):
                out = self.fc(x)
                # Rotary embeddings and classifier-free guidance concatenate a tensor with itself.
                return 2 * torch.cat([out, out], dim=-1)


        model = Doubled(8)
        inputs = (torch.randn(1, 8),)
        """,
    )


def _alone(flow: Flow, norms: Norms, operation: Operation) -> str | None:
    """What is wrong with an addition of a tensor and what is made of that tensor alone."""
    if not operation.op.is_a(Family.ADDITION) or len(operation.operands) != 2:
        return None
    graph = flow.graph
    first, second = (_origin(flow, each) for each in operation.operands)
    source = graph.operations[first.producer]
    if not graph.spec(first).floating or not source.data:
        return None
    if first.tensor == second.tensor:
        # What does not descend from both data and weights, such as a table of positions, is no feature.
        name = tensor_name(graph, first)
        return f"{operation.name} joins {name} with itself, so nothing is skipped" if source.learned else None
    short, long = sorted((first, second), key=lambda each: each.producer)
    passed = _unlearned(flow, norms, operation, long, short)
    if not passed:
        return None
    return (
        f"{operation.name} joins {tensor_name(graph, short)} with what {' and '.join(passed)} "
        f"{'makes' if len(passed) == 1 else 'make'} of it, so no weighted layer is skipped"
    )


def _origin(flow: Flow, operand: Operand) -> Operand:
    """The tensor whose very numbers ``operand`` has."""
    for _ in range(16):
        operation, reads = flow.graph.operations[operand.producer], flow.reads[operand.producer]
        starts_a_sum = operation.op.is_a(Family.ADDITION) and operation.args[1:] == (0,)
        # Not what is detached: straight-through estimators are made of it.
        if len(reads) != 1 or not (operation.op.is_a(Family.COPY, Family.CAST) or starts_a_sum):
            break
        operand = reads[0]
    return operand


def _unlearned(flow: Flow, norms: Norms, join: Operation, operand: Operand, start: Operand) -> list[str]:
    """The activations, norms and dropouts, if only such lead from ``start`` to ``operand``.

    A norm by hand whose own module adds its input is one operation with it (global response normalisation).
    """
    passed: list[str] = []
    for _ in range(16):
        if operand.tensor == start.tensor:
            return passed[::-1]
        operation, reads = flow.graph.operations[operand.producer], flow.reads[operand.producer]
        sources = norms.sources(operand)
        if sources and not operation.op.is_a(Family.NORM) and _together(operation, join):
            break
        applied = activated(flow, operation)
        if not sources and applied is not None:
            sources = (applied,)
        elif not sources and operation.op.is_a(Family.DROPOUT):
            sources = reads
        if len({source.tensor for source in sources}) != 1:
            break
        passed.append(operation.id)
        operand = _origin(flow, sources[0])
    return []


def _together(one: Operation, other: Operation) -> bool:
    """Whether one call of one module makes both calls."""
    return (one.module, one.call) == (other.module, other.call)


def _repeated_shortcut(flow: Flow, factors: Factors, skip: Skip) -> Operand | None:
    graph = flow.graph
    shortcuts = [_origin(flow, skip.operands[connection.operand]) for connection in skip.connections]
    times = Counter(operand.tensor for operand in shortcuts)
    repeated = next((operand for operand in shortcuts if times[operand.tensor] > 1), None)
    if repeated is None or not any(graph.operations[step].op.is_a(Family.DIFFERENCE) for step in skip.steps):
        return repeated
    # x + (x - blur(x)) sharpens; f(x) + x - x has no shortcut at all.
    weights = factors.weights(graph.operations[skip.join], skip.steps, repeated.tensor)
    return repeated if weights.get(repeated.tensor) == 0 else None
