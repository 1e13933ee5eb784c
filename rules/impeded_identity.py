"""SKL301 impeded-identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod

from skiplint.rules_api import (
    Analysis,
    Connection,
    Factors,
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
    TensorId,
    activated,
    branch_operations,
    main_operand,
    past_views,
    tensor_name,
)

_KEEPS_VARIANCE = 0.03
"""How far the sum of squares may be from 1: 0.7 for the square root of a half is fine."""
_MANY = 3
"""Shortcuts from one tensor that are not in a row: it is added again and again, not handed on."""


class ImpededIdentity(Rule):
    """An identity shortcut passes a dropout, a norm, an activation or a factor below 1.

    ## What it does
    Looks at what lies on the identity shortcut of a residual addition, between the tensor that it starts
    from and the addition, and reports a dropout, a norm, an activation, or a constant factor below 1. The
    shapes must agree, since a shortcut across a change of shape cannot be clean. Long skips between
    encoder and decoder, gated skips and learned factors are left alone; so are factors above 1 (DeepNorm),
    a batch norm beside a single convolution with one (RepVGG folds the two into one), and anything on the
    branch, such as stochastic depth.

    The factor is what the shortcut is multiplied by in all: by a multiplication or a division, by a buffer
    that holds one number, by the `alpha` of `torch.add`, by the weight of `torch.lerp`, in a mean, and after
    the addition where the next block starts from the product. Factors that keep the variance are left
    alone: those whose squares sum to 1, as in `(x + f(x)) / sqrt(2)` and `0.8 * x + 0.6 * f(x)`. So are
    equal ones before a norm, which takes them out again, the damping of an iteration that uses the same
    weights again, a tensor that is added anew to many layers (the initial residual of GCNII), and the
    velocity of a momentum network, which is itself added to a stream with a clean path.

    ## Why it is bad
    The gradient of a residual network is the sum over all paths, and the one path without obstacles keeps
    it from vanishing. He et al. 2016b put each of these on the shortcut of a ResNet-110 (CIFAR-10, error
    6.61% with a clean one): a factor of 0.5 or dropout fail to converge to a good solution, a norm after
    the addition costs 1.56 points. What is on every shortcut acts with the power of the depth: 0.5 in each
    of 54 blocks leaves nothing.

    ## Options
    `allow`: names of operations that may lie on a shortcut, such as `dropout` or `layer_norm`.

    ## When it is wrong
    In shallow models, where little is multiplied. Allow the operation in the options.

    ## References
    - He et al. 2016, Identity Mappings in Deep Residual Networks (arXiv 1603.05027), section 3 and table 1.
    - Gehring et al. 2017, Convolutional Sequence to Sequence Learning (arXiv 1705.03122), section 3.5, and
      Song et al. 2021, Score-Based Generative Modeling (arXiv 2011.13456): sums times
      the square root of a half.
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
        flow = analysis.of(Flow)
        norms, factors = analysis.of(Norms), analysis.of(Factors)
        branches = _branches(flow, analysis.skips)
        starts = Counter(each.fork.producer for skip in analysis.skips for each in skip.connections)
        for skip in analysis.skips:
            if skip.kind != "additive" or skip.long or len(skip.operands) != 2:
                continue
            for connection in skip.connections:
                if connection.shortcut == "identity" and _is_bypass(flow, norms, skip, connection):
                    found = self._obstacle(flow, norms, skip, connection)
                    # A branch of another stream, which this branch reads, is no stream itself (momentum).
                    beside = branches.get(connection.fork.tensor, skip.join) < skip.join
                    if found is None and not beside:
                        found = self._factor(_Scaled(flow, norms, factors, skip, connection), starts)
                    if found is not None:
                        yield self._finding(flow, skip, connection, *found)

    def _obstacle(
        self, flow: Flow, norms: Norms, skip: Skip, connection: Connection
    ) -> tuple[str, Operation] | None:
        for index in connection.path:
            operation = flow.graph.operations[index]
            what = None if operation.base_name in self.options.allow else _obstacle(flow, norms, operation)
            if what is not None and not _folds_away(flow, skip, connection, operation):
                return what, operation
        return None

    def _factor(self, scaled: _Scaled, starts: Counter[int]) -> tuple[str, Operation] | None:
        if starts[scaled.connection.fork.producer] >= _MANY:
            return None
        found = scaled.factor(starts)
        if found is None or found[1].base_name in self.options.allow:
            return None
        return f"the constant factor {found[0]:g}", found[1]

    def _finding(self, flow: Flow, skip: Skip, connection: Connection, what: str, at: Operation) -> Finding:
        graph = flow.graph
        fork = tensor_name(graph, connection.fork)
        place = "before it is added" if at.index < skip.join else "as it is added"
        if at.index > skip.join:
            place = "with all of the sum"
        carries = connection.carries if at.index < skip.join else (*connection.carries, at.base_name)
        return self.finding(
            f"the identity shortcut from {fork} passes {what} ({at.id}) {place}",
            node=graph.operations[skip.join],
            expected=f"{fork} itself",
            actual=" -> ".join((fork, *carries)),
            shapes=graph.shapes(skip.operands),
            suggestion=f"add {fork} as it is and move {at.base_name} into the branch, or after the addition"
            if at.index < skip.join
            else f"add {fork} as it is, and scale the branch alone",
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


def _keep_variance(weights: Mapping[TensorId, float], after: Iterable[tuple[Operation, float]]) -> bool:
    """Whether both operands are scaled, and so that the variances of two like tensors sum to that of one."""
    whole = prod(number for _, number in after)
    squares = [(number * whole) ** 2 for number in weights.values()]
    return max(squares, default=1.0) < 1 and abs(sum(squares) - 1) <= _KEEPS_VARIANCE


def _is_bypass(flow: Flow, norms: Norms, skip: Skip, connection: Connection) -> bool:
    """Whether the shortcut keeps the shape and takes in nothing on its way."""
    graph = flow.graph
    if graph.spec(connection.fork).shape != graph.operations[skip.join].outputs[0].shape:
        return False
    return all(
        len(flow.reads[index]) == 1 or index in norms.steps  # a norm takes the mean off
        for index in connection.path
        if graph.operations[index].op.is_a(Family.ADDITION)
    )


def _branches(flow: Flow, skips: Iterable[Skip]) -> dict[TensorId, int]:
    """Each tensor that is added to a shortcut, with the addition."""
    return {
        past_views(flow, main_operand(skip)).tensor: skip.join
        for skip in skips
        if len(skip.connections) == 1 and len(skip.operands) == 2
    }


def _obstacle(flow: Flow, norms: Norms, operation: Operation) -> str | None:
    """What ``operation`` is, if it has no place on an identity shortcut."""
    if operation.op.is_a(Family.DROPOUT):
        rate = operation.setting("p")
        return f"a dropout of {rate:g}" if isinstance(rate, (int, float)) and rate > 0 else None
    if operation.op.is_a(Family.ACTIVATION):
        return f"the activation {operation.base_name}"
    if norms.source(Operand(operation.index, 0, "0")) is not None:
        return "a norm"
    return "an activation written out" if activated(flow, operation) is not None else None


def _folds_away(flow: Flow, skip: Skip, connection: Connection, operation: Operation) -> bool:
    """Whether a batch norm stands beside one convolution with a batch norm of its own.

    The two are one convolution after training (structural re-parameterisation, as in RepVGG).
    """
    branch = past_views(flow, skip.operands[1 - connection.operand])
    beside = flow.graph.operations[branch.producer]
    while beside.op.is_a(Family.ADDITION) and len(flow.reads[beside.index]) == 1:  # 0 + x, the start of a sum
        beside = flow.graph.operations[flow.reads[beside.index][0].producer]
    return connection.span == 1 and all(each.op.is_a(Family.BATCH_NORM) for each in (operation, beside))


@dataclass(frozen=True, slots=True)
class _Scaled:
    """One shortcut with the constants that it is multiplied by."""

    flow: Flow
    norms: Norms
    factors: Factors
    skip: Skip
    connection: Connection

    def factor(self, starts: Collection[int]) -> tuple[float, Operation] | None:
        """What the shortcut is multiplied by and the call that does, if that is less than 1."""
        operations = self.flow.graph.operations
        join, fork = operations[self.skip.join], self.connection.fork.tensor
        weights = self.factors.weights(join, self.skip.steps, fork)
        after, last = self.factors.after(join)
        if _keep_variance(weights, after) or self._is_taken_out(weights, last):
            return None
        if not self._is_a_stream(last, starts):
            after = []
        own = abs(weights.get(fork, 1.0))
        factor = own * abs(prod(number for _, number in after))
        if factor >= 1 or _keep_variance(weights, after) or self._is_a_loop():
            return None
        on_path = [operations[index] for index in self.connection.path]
        on_path = [each for each in on_path if (self.factors.of(each) or 1) != 1]
        return factor, on_path[0] if on_path else join if own != 1 else after[0][0]

    def _is_a_loop(self) -> bool:
        """Whether the branch runs again with the same weights: a damped iteration, which is to settle."""
        consumers = self.flow.graph.consumers
        return any(
            len(consumers[operand.producer]) > 1
            for operation in branch_operations(self.flow, self.skip)
            if operation.weighted
            for operand in operation.operands
            if self.flow.graph.operations[operand.producer].kind == "parameter"
        )

    def _is_a_stream(self, last: Operation, starts: Collection[int]) -> bool:
        """Whether the next block starts from the product, or this one started from such a product."""
        start = self.flow.graph.operations[self.connection.fork.producer]
        return last.index in starts or self.factors.of(start) is not None

    def _is_taken_out(self, weights: Mapping[TensorId, float], last: Operation) -> bool:
        """Whether both operands have one factor and a norm comes next."""
        if len({abs(number) for number in weights.values()}) != 1:
            return False
        readers = set(self.flow.readers[last.index])
        return bool(readers) and readers == set(self.norms.readers(Operand(last.index, 0, "0")))
