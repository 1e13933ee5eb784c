"""SKL302 activation-before-join."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Factors,
    Family,
    Finding,
    Flow,
    Operand,
    Operation,
    Rule,
    Severity,
    Skip,
    is_noise,
    past_views,
    tensor_name,
)


class ActivationBeforeJoin(Rule):
    """A residual branch ends in a ReLU, so the addition can only make values larger.

    ## What it does
    Reports a residual addition with an identity shortcut where the last operation of the branch is a ReLU,
    or any other that cuts off at 0: `relu6`, `hardtanh(0, 6)`, `clamp(min=0)`, `threshold`,
    `maximum(x, 0)`. Dropout, stochastic depth, views and a positive constant between the two do not matter.
    Leaky and smooth activations, learned scales, differences, gated and long skips are left alone.

    ## Why it is bad
    The residual that a block adds should be of either sign. After a ReLU it is not negative, so what flows
    along the identity path grows from block to block and no block can take back what an earlier one added.
    On CIFAR-10 a ResNet-110 with the ReLU before the addition has 7.84% error against 6.61% for the
    original and 6.37% for full pre-activation (He et al. 2016b, table 2).

    ## When it is wrong
    Where the branch is a gate or a count that has to be positive, and in architectures that were tuned
    around it.

    ## References
    - He et al. 2016, Identity Mappings in Deep Residual Networks (arXiv 1603.05027), section 4.1 and table 2.
    - Parisotto et al. 2020, Stabilizing Transformers for Reinforcement Learning (arXiv 1910.06764): GTrXL,
      whose gates make it harmless.
    - pytorch/pytorch issue 5687: a branch that ends in `ReLU(inplace=True)` and is added to in place.
    """

    code = "SKL302"
    name = "activation-before-join"
    severity = Severity.WARNING

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look at the operand of each residual addition that is no shortcut."""
        flow, factors = analysis.of(Flow), analysis.of(Factors)
        for skip in analysis.skips:
            if skip.kind != "additive" or skip.long or len(skip.operands) != 2 or len(skip.connections) != 1:
                continue
            if any(flow.graph.operations[step].op.is_a(Family.DIFFERENCE) for step in skip.steps):
                continue  # what is never below 0 is taken away
            operation = _last(flow, factors, skip.operands[1 - skip.connections[0].operand])
            if _is_rectifier(factors, operation) and _is_clean(flow, skip):
                yield self._finding(flow, skip, operation)

    def _finding(self, flow: Flow, skip: Skip, activation: Operation) -> Finding:
        graph = flow.graph
        fork = tensor_name(graph, skip.connections[0].fork)
        before = tensor_name(graph, Operand(flow.reads[activation.index][0].producer, 0, "0"))
        return self.finding(
            f"the branch that is added to {fork} ends in {activation.name} ({activation.id}), "
            "so it can only add and never subtract",
            node=graph.operations[skip.join],
            expected=f"{before}, of either sign",
            actual=f"values of {activation.base_name}, none below 0",
            shapes=graph.shapes(skip.operands),
            suggestion=f"move {activation.id} after the addition, or to the front of the branch "
            f"(pre-activation), so that {before} is added",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.branch = nn.Sequential(
                    nn.Conv2d(channels, channels, 3, padding=1),
                    nn.ReLU(),
                    nn.Conv2d(channels, channels, 3, padding=1),
                    nn.ReLU(),
                )

            def forward(self, x):
                return x + self.branch(x)  # SKL302


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.branch = nn.Sequential(
                    nn.Conv2d(channels, channels, 3, padding=1),
                    nn.ReLU(),
                    nn.Conv2d(channels, channels, 3, padding=1),
                )

            def forward(self, x):
                return torch.relu(x + self.branch(x))


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
        """
        import torch
        from torch import nn


        class Gated(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.transform = nn.Linear(width, width)
                self.gate = nn.Linear(width, width)

            def forward(self, x):
                # A gate decides how much of x is kept, so that the stream can shrink.
                gate = torch.sigmoid(self.gate(x))
                return (1 - gate) * x + gate * torch.relu(self.transform(x))


        model = nn.Sequential(nn.Linear(4, 8), Gated(8), Gated(8))
        inputs = (torch.randn(1, 4),)
        """,
    )


def _is_clean(flow: Flow, skip: Skip) -> bool:
    """Whether the shortcut is the fork itself, of the shape of the join."""
    operations = flow.graph.operations
    connection = skip.connections[0]
    same = flow.graph.spec(connection.fork).shape == operations[skip.join].outputs[0].shape
    return (
        connection.shortcut == "identity"
        and same
        and all(operations[index].op.is_unchanged for index in connection.path)
    )


def _last(flow: Flow, factors: Factors, operand: Operand) -> Operation:
    """What the branch ends in, apart from views, dropout, stochastic depth and positive constants."""
    for _ in range(16):
        operand = past_views(flow, operand)
        operation, reads = flow.graph.operations[operand.producer], flow.reads[operand.producer]
        if len(reads) != 1:
            break
        masked = operation.op.is_a(Family.PRODUCT) and any(
            is_noise(flow, each) for each in operation.operands if each not in reads
        )
        if not masked and (factors.of(operation) or 0) <= 0:
            break
        operand = reads[0]
    return flow.graph.operations[operand.producer]


def _is_rectifier(factors: Factors, operation: Operation) -> bool:
    """Whether nothing below 0 comes out of ``operation``."""
    reduces = operation.op.is_a(Family.REDUCTION) and len(operation.operands) < 2  # max along an axis
    if not operation.op.is_a(Family.FLOOR) or reduces:
        return False
    floor = factors.number(operation, operation.setting("floor"))
    if "threshold" in operation.op.settings:  # what is above the threshold passes
        start = factors.number(operation, operation.setting("threshold"))
        return floor is not None and start is not None and min(floor, start) >= 0
    return floor is not None and floor >= 0
