"""SKL205 degenerate-skip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from skiplint import Finding, Rule, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.skips import Skip
from skiplint.graph import ModelGraph, Operand, Operation

Tensor = tuple[int, int]
"""A tensor as (producer, output)."""

_JOINS = frozenset({"add", "sub", "__add__", "__radd__", "__iadd__", "__sub__", "__rsub__", "__isub__"})


class DegenerateSkip(Rule):
    """A join that adds a tensor to itself, or adds the same shortcut twice.

    ## What it does
    Reports an addition or a subtraction whose two operands are one and the same tensor, and a join that
    takes in the same tensor as a shortcut more than once.

    ## Why it is bad
    `x + x` skips nothing: it is `2 * x`, and the branch that was meant to be added has no part in the
    output and no gradient. `x - x` is zero. A shortcut that is added twice carries twice the weight of
    the branch, and in a stack of blocks the factors multiply. Nothing fails: shapes agree and the loss
    goes down, only less than it should. The usual cause is a variable that was overwritten or mistyped
    while a block was edited.

    ## When it is wrong
    Where doubling is meant. Write `2 * x`, which says so and is not reported.

    ## References
    - He et al. 2016, Identity Mappings in Deep Residual Networks (arXiv 1603.05027), section 3.1: a factor
      other than 1 on the shortcut grows or fades exponentially with depth.
    """

    code = "SKL205"
    name = "degenerate-skip"
    severity = Severity.WARNING

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look at every addition for one tensor twice, then at every skip for one shortcut twice."""
        graph = analysis.graph
        selves = [operation for operation in graph if _joins_itself(graph, operation)]
        for operation in selves:
            tensor = operation.operands[0]
            yield self._finding(
                graph,
                operation,
                f"{operation.name} joins {_name(graph, tensor)} with itself, so nothing is skipped",
                (tensor, tensor),
            )
        reported = {operation.index for operation in selves}
        for skip in analysis.skips:
            repeated = _repeated_shortcut(skip)
            if repeated is not None and reported.isdisjoint(skip.steps):
                yield self._finding(
                    graph,
                    graph.operations[skip.join],
                    f"the shortcut from {_name(graph, repeated)} is joined more than once",
                    skip.operands,
                )

    def _finding(
        self, graph: ModelGraph, node: Operation, message: str, operands: tuple[Operand, ...]
    ) -> Finding:
        return self.finding(
            message,
            node=node,
            shapes=tuple(graph.spec(operand).shape for operand in operands),
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


def _joins_itself(graph: ModelGraph, operation: Operation) -> bool:
    """Whether ``operation`` adds one learned floating-point tensor to itself."""
    if operation.base_name not in _JOINS or len(operation.operands) != 2:
        return False
    first, second = operation.operands
    source = graph.operations[first.producer]
    # What does not descend from both data and weights, such as a table of positions, is no feature.
    return _tensor(first) == _tensor(second) and source.data and source.learned and graph.spec(first).floating


def _repeated_shortcut(skip: Skip) -> Operand | None:
    shortcuts = [skip.operands[connection.operand] for connection in skip.connections]
    times = Counter(_tensor(operand) for operand in shortcuts)
    return next((operand for operand in shortcuts if times[_tensor(operand)] > 1), None)


def _tensor(operand: Operand) -> Tensor:
    return operand.producer, operand.output


def _name(graph: ModelGraph, operand: Operand) -> str:
    producer = graph.operations[operand.producer]
    return f"the output of {producer.id}" if producer.kind == "call" else producer.id
