"""SKL301 impeded-identity."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint import Finding, Rule, RuleOptions, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.flow import Flow
from skiplint.analysis.skips import Connection, Skip
from skiplint.analysis.skips.roles import ADDITIONS
from skiplint.graph import Operand, OperandRef, Operation

from ._reading import ACTIVATIONS, DROPOUTS, Norms, flow_of, past_views, shapes_of, tensor_name


class ImpededIdentity(Rule):
    """An identity shortcut passes a dropout, a norm, an activation or a factor below 1.

    ## What it does
    Looks at what lies on the identity shortcut of a residual addition, between the tensor that it starts
    from and the addition, and reports a dropout, a norm, an activation, or a constant factor below 1. The
    shapes must agree, since a shortcut across a change of shape cannot be clean. Long skips between
    encoder and decoder, gated skips and learned factors are left alone; so are factors above 1 (DeepNorm),
    a batch norm beside a single convolution with one (RepVGG folds the two into one), and anything on the
    branch, such as stochastic depth.

    ## Why it is bad
    The gradient of a residual network is the sum over all paths, and the one path without obstacles keeps
    it from vanishing. He et al. 2016b put each of these on the shortcut of a ResNet-110 (CIFAR-10, error
    6.61% with a clean one): a factor of 0.5 or dropout fail to converge to a good solution, a norm after
    the addition costs 1.56 points. What is on every shortcut acts with the power of the depth: 0.5 in each
    of 54 blocks leaves nothing.

    ## Options
    `allow`: names of operations that may lie on a shortcut, such as `dropout` or `layer_norm`.

    ## When it is wrong
    In shallow models, where little is multiplied, and where the factor is there to keep the variance
    (both operands scaled by the square root of a half). Allow the operation in the options.

    ## References
    - He et al. 2016, Identity Mappings in Deep Residual Networks (arXiv 1603.05027), section 3 and table 1.
    - Wang et al. 2022, DeepNet: Scaling Transformers to 1,000 Layers (arXiv 2203.00555): why more than
      1 helps a post-norm model.
    """

    code = "SKL301"
    name = "impeded-identity"
    severity = Severity.WARNING

    class Options(RuleOptions, frozen=True):
        """What may lie on a shortcut."""

        allow: tuple[str, ...] = ()

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look along every short identity shortcut."""
        flow = flow_of(analysis)
        norms = Norms(flow)
        for skip in analysis.skips:
            if skip.kind != "additive" or skip.long or len(skip.operands) != 2:
                continue
            for connection in skip.connections:
                if connection.shortcut == "identity" and _is_bypass(flow, skip, connection):
                    yield from self._obstacles(flow, norms, skip, connection)

    def _obstacles(self, flow: Flow, norms: Norms, skip: Skip, connection: Connection) -> Iterator[Finding]:
        graph = flow.graph
        for index in connection.path:
            operation = graph.operations[index]
            what = None if operation.base_name in self.options.allow else _obstacle(norms, operation)
            if what is not None and not _folds_away(flow, skip, connection, operation):
                fork = tensor_name(graph, connection.fork)
                yield self.finding(
                    f"the identity shortcut from {fork} passes {what} ({operation.id}) before it is added",
                    node=graph.operations[skip.join],
                    expected=f"{fork} itself",
                    actual=" -> ".join((fork, *connection.carries)),
                    shapes=shapes_of(graph, skip.operands),
                    suggestion=f"add {fork} as it is and move {operation.base_name} into the branch, "
                    "or behind the addition",
                )
                return

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
                return out + 0.5 * x  # SKL301


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
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
                return self.drop(x) + self.branch(x)  # SKL301


        model = nn.Sequential(nn.Linear(8, 8), Block(8), Block(8))
        inputs = (torch.randn(1, 8),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
                self.drop = nn.Dropout(0.1)

            def forward(self, x):
                return x + self.drop(self.branch(x))


        model = nn.Sequential(nn.Linear(8, 8), Block(8), Block(8))
        inputs = (torch.randn(1, 8),)
        """,
        '''
        import torch
        from torch import nn


        class Block(nn.Module):
            """DeepNorm: post-norm with more weight on the shortcut."""

            def __init__(self, width, alpha):
                super().__init__()
                self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
                self.norm = nn.LayerNorm(width)
                self.alpha = alpha

            def forward(self, x):
                return self.norm(self.alpha * x + self.branch(x))


        model = nn.Sequential(nn.Linear(8, 8), Block(8, alpha=1.7), Block(8, alpha=1.7))
        inputs = (torch.randn(1, 8),)
        ''',
    )


def _is_bypass(flow: Flow, skip: Skip, connection: Connection) -> bool:
    """Whether the shortcut keeps the shape and takes in nothing on its way."""
    graph = flow.graph
    if graph.spec(connection.fork).shape != graph.operations[skip.join].outputs[0].shape:
        return False
    return all(
        len(flow.reads[index]) == 1
        for index in connection.path
        if graph.operations[index].base_name in ADDITIONS
    )


def _obstacle(norms: Norms, operation: Operation) -> str | None:
    """What ``operation`` is, if it has no place on an identity shortcut."""
    name = operation.base_name
    if name in DROPOUTS:
        rate = operation.argument(1, "p", 0.5)
        return f"a dropout of {rate:g}" if isinstance(rate, (int, float)) and rate > 0 else None
    if name in ACTIVATIONS:
        return f"the activation {name}"
    if norms.source(Operand(operation.index, 0, "0")) is not None:
        return "a norm"
    factor = _factor(operation)
    return f"the constant factor {factor:g}" if factor is not None and factor < 1 else None


def _folds_away(flow: Flow, skip: Skip, connection: Connection, operation: Operation) -> bool:
    """Whether a batch norm stands beside one convolution with a batch norm of its own.

    The two are one convolution after training (structural re-parameterisation, as in RepVGG).
    """
    branch = past_views(flow, skip.operands[1 - connection.operand])
    beside = flow.graph.operations[branch.producer]
    while beside.base_name == "add" and len(flow.reads[beside.index]) == 1:  # 0 + x, the start of a sum
        beside = flow.graph.operations[flow.reads[beside.index][0].producer]
    return operation.base_name == beside.base_name == "batch_norm" and connection.span == 1


def _factor(operation: Operation) -> float | None:
    """The number by which ``operation`` multiplies, if it is one that can be read from the call."""
    numbers = [arg for arg in operation.args if isinstance(arg, (int, float)) and not isinstance(arg, bool)]
    refs = [arg for arg in operation.args if isinstance(arg, OperandRef)]
    if len(numbers) != 1 or len(refs) != 1:
        return None
    if operation.base_name == "mul":
        return float(numbers[0])
    if operation.base_name == "div" and isinstance(operation.args[0], OperandRef) and numbers[0]:
        return 1 / numbers[0]
    return None
