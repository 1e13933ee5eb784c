"""SKL303 needless-projection."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from skiplint.rules_api import (
    Analysis,
    Family,
    Finding,
    Flow,
    Norms,
    Operand,
    Operation,
    Rule,
    RuleOptions,
    Severity,
    Skip,
    branch_operations,
    is_control,
    is_depthwise,
    main_operand,
    tensor_name,
)


class NeedlessProjection(Rule):
    """Shortcuts with a learned projection where the shapes agree without one.

    ## What it does
    Reports residual additions whose shortcut passes a convolution or a linear layer although the tensor
    that it starts from has the shape of the result, once `limit` such shortcuts are in one model.

    ## Why it is bad
    A projection at a change of shape is needed; one everywhere is what the identity shortcut was invented
    to avoid. The gradient is multiplied by the projection's weights in every block. With 1x1 convolutions
    on all shortcuts a ResNet-110 has 12.22% error on CIFAR-10, against 6.61% with identity shortcuts, and
    more parameters and operations (He et al. 2016b, table 1). The usual cause is a block that always
    builds its `downsample`.

    ## Options
    `limit`: how many projections at equal shapes a model must have before they are reported.

    ## When it is wrong
    In shallow models that were tuned with them (He et al. 2016a, table 3, option C: slightly better in a
    ResNet-34), and where the parallel layer is a branch of its own rather than a shortcut.

    ## References
    - He et al. 2016, Identity Mappings in Deep Residual Networks (arXiv 1603.05027), table 1.
    - He et al. 2016, Deep Residual Learning for Image Recognition (arXiv 1512.03385), table 3.
    """

    code = "SKL303"
    name = "needless-projection"
    severity = Severity.WARNING
    depends_on_sizes = True

    class Options(RuleOptions, frozen=True):
        """How many are a pattern."""

        limit: int = 3

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Collect the projections between equal shapes; report all of them if they are many."""
        flow = analysis.of(Flow)
        norms = analysis.of(Norms)
        found = [(skip, projection) for skip in analysis.skips for projection in _needless(flow, norms, skip)]
        if len(found) >= self.options.limit:
            for skip, projection in found:
                yield self._finding(flow, skip, projection, len(found))

    def _finding(self, flow: Flow, skip: Skip, projection: Operation, count: int) -> Finding:
        graph = flow.graph
        fork = skip.connections[0].fork
        shape = list(graph.spec(fork).shape)
        weights = sum(
            prod(graph.operations[operand.producer].outputs[operand.output].shape)
            for operand in projection.operands
            if graph.operations[operand.producer].kind == "parameter"
        )
        return self.finding(
            f"the shortcut passes {projection.id} ({projection.name}, {weights:,} weights) although "
            f"{tensor_name(graph, fork)} has the shape of the result, {shape}; {count} shortcuts do",
            node=graph.operations[skip.join],
            expected="an identity shortcut",
            actual=f"a projection from {shape} to {shape}",
            shapes=graph.shapes(skip.operands),
            suggestion=f"add {tensor_name(graph, fork)} itself and keep the projection for blocks that "
            "change the shape",
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
                self.shortcut = nn.Conv2d(channels, channels, 1)

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return torch.relu(out + self.shortcut(x))  # SKL303


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *(Block(8) for _ in range(4)))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, before, after):
                super().__init__()
                self.conv1 = nn.Conv2d(before, after, 3, padding=1)
                self.conv2 = nn.Conv2d(after, after, 3, padding=1)
                self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return torch.relu(out + self.shortcut(x))


        model = nn.Sequential(Block(3, 8), Block(8, 8), Block(8, 16), Block(16, 16), Block(16, 32))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )


def _needless(flow: Flow, norms: Norms, skip: Skip) -> list[Operation]:
    """The projection on a shortcut of ``skip`` that keeps the shape."""
    graph = flow.graph
    if skip.kind != "additive" or skip.shortcut != "projection" or skip.long or len(skip.operands) != 2:
        return []
    connection = skip.connections[0]
    join = graph.operations[skip.join]
    if graph.spec(connection.fork).shape != join.outputs[0].shape:
        return []
    path = [graph.operations[index] for index in connection.path]
    projections = [operation for operation in path if operation.weighted]
    linear = all(_is_linear(flow, norms, each) for each in path if not each.weighted)
    if not linear or is_depthwise(graph, projections[0]):
        return []
    if all(each.weighted or _is_linear(flow, norms, each) for each in branch_operations(flow, skip)):
        return []  # W x + B A x, a low-rank adapter: one linear map
    main = main_operand(skip).producer
    return projections[:1] if _hands_on(flow, connection.fork.producer, main) else []


def _hands_on(flow: Flow, above: int, below: int) -> bool:
    """Whether features come from ``above`` to ``below``, and not just gates (as in a recurrent cell)."""
    pending, seen = [below], {below}
    while pending:
        index = pending.pop()
        if index == above:
            return True
        operation = flow.graph.operations[index]
        for position, operand in enumerate(flow.reads[index]):
            new = operand.producer >= above and operand.producer not in seen
            if new and not is_control(flow, operation, position):
                seen.add(operand.producer)
                pending.append(operand.producer)
    return False


def _is_linear(flow: Flow, norms: Norms, operation: Operation) -> bool:
    """Views, dropout, scales and norms, which are linear once trained."""
    scales = operation.op.is_a(Family.PRODUCT, Family.DIVISION) and len(flow.reads[operation.index]) == 1
    return operation.op.is_unchanged or scales or norms.source(Operand(operation.index, 0, "0")) is not None
