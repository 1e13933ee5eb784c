"""SKL309 residual-variance-growth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from skiplint.rules_api import (
    Analysis,
    ExecutionError,
    Family,
    Finding,
    ModelGraph,
    Operation,
    ResidualStreams,
    Rule,
    RuleOptions,
    Severity,
    Skip,
    apart,
    execute,
    filled,
)

if TYPE_CHECKING:
    from torch import Tensor


class ResidualVarianceGrowth(Rule):
    """The variance along a residual stream grows by a factor with every block, not by a term.

    ## What it does
    Runs the model's operations once with its own weights, batch norms as in training, and measures the
    variance of the result of every residual addition. In a stream of `least` additions or more it reports
    the last one if the variance there is more than `limit` times that in the middle of the stream: twice is
    what equal additions give. Runs only when selected, and only where the weights can be had.

    ## Why it is bad
    A branch that keeps the variance of its input doubles that of the stream, so after 50 blocks the features
    are 2^25 times as large: the first steps diverge or, in half precision, overflow. A norm at the start of
    the branch makes the growth linear, so that a block deep in the network is close to the identity, and
    this is what makes deep residual networks trainable (De and Smith 2020). Without a norm, SkipInit (a
    learned scale of the branch that starts at 0) or a factor of 1/sqrt(depth) does the same.

    ## Options
    `least`: how many additions make a stream.
    `limit`: how much more variance at the end than in the middle is fine.

    ## When it is wrong
    For trained weights, which have found their own scale. The inputs are random, so a model that is made for
    inputs of another kind may behave otherwise on those.

    ## References
    - De and Smith 2020, Batch Normalization Biases Residual Blocks Towards the Identity Function in Deep
      Networks (arXiv 2002.10444).
    - Zhang et al. 2019, Fixup Initialization (arXiv 1901.09321).
    """

    code = "SKL309"
    name = "residual-variance-growth"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """How long, and how much."""

        least: int = 8
        limit: float = 4.0

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Measure the variance at the joins of long streams."""
        streams = [
            stream
            for stream in analysis.of(ResidualStreams((Family.ACTIVATION,)))
            if len(stream) >= self.options.least
        ]
        state = analysis.state if streams else None
        if state is None:
            return
        try:
            variances = _variances(analysis, state, [skip.join for stream in streams for skip in stream])
        except ExecutionError:
            return  # the model needs something that the graph does not hold
        for stream in streams:
            yield from self._judge(analysis.graph, stream, variances)

    def _judge(
        self, graph: ModelGraph, stream: Sequence[Skip], variances: Mapping[int, float]
    ) -> Iterator[Finding]:
        rows = [variances[skip.join] for skip in stream]
        middle, end = rows[(len(rows) - 1) // 2], rows[-1]
        growth = end / middle if middle > 0 else 0.0
        if growth <= self.options.limit and math.isfinite(end):
            return
        more = f"{growth:.3g} times that in the middle of the stream" if math.isfinite(end) else "overflow"
        last = graph.operations[stream[-1].join]
        first = graph.operations[stream[0].join]
        yield self.finding(
            f"over {len(rows)} residual additions from {first.id} on the variance grows from {rows[0]:.3g} "
            f"to {end:.3g}, {more}",
            node=last,
            expected=f"at most {self.options.limit:g} times; equal additions give 2",
            actual=f"{growth:.3g} times",
            shapes=(last.outputs[0].shape,),
            suggestion="normalise the input of each branch, or scale the branch by a learned number that "
            f"starts at 0 (SkipInit) or by 1/sqrt({len(rows)})",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.first = nn.Linear(width, width)
                self.second = nn.Linear(width, width)
                for layer in (self.first, self.second):
                    nn.init.kaiming_normal_(layer.weight)

            def forward(self, x):
                return x + self.second(torch.relu(self.first(x)))  # SKL309


        model = nn.Sequential(nn.Linear(4, 64), *(Block(64) for _ in range(16)))
        inputs = (torch.randn(32, 4),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.norm = nn.LayerNorm(width)
                self.first = nn.Linear(width, width)
                self.second = nn.Linear(width, width)
                for layer in (self.first, self.second):
                    nn.init.kaiming_normal_(layer.weight)

            def forward(self, x):
                return x + self.second(torch.relu(self.first(self.norm(x))))


        model = nn.Sequential(nn.Linear(4, 64), *(Block(64) for _ in range(16)))
        inputs = (torch.randn(32, 4),)
        """,
    )


def _variances(analysis: Analysis, state: Mapping[str, Tensor], joins: Sequence[int]) -> dict[int, float]:
    """The variance of the result of each of ``joins`` in one forward pass."""
    graph = analysis.graph
    wanted = _needed(graph, joins)
    found: dict[int, float] = {}
    with apart(grad=False):
        leaf = _leaf(analysis, state)
        values = execute(graph, wanted, leaf, training=not graph.training, keep=joins)
        for join in joins:
            found[join] = float(values[join, 0].float().var(correction=0))
    return found


def _needed(graph: ModelGraph, joins: Sequence[int]) -> set[int]:
    """The calls up to the last of ``joins``."""
    return {operation.index for operation in graph.operations[: max(joins) + 1] if operation.kind == "call"}


def _leaf(analysis: Analysis, state: Mapping[str, Tensor]) -> Callable[[Operation, int], Tensor]:
    """Inputs as they were given where they have values, weights as they are, buffers as copies."""
    from skiplint.rules_api import tensors_in

    assert analysis.subject is not None
    given = tensors_in(analysis.subject.args, analysis.subject.kwargs)
    entries = [operation for operation in analysis.graph if operation.kind == "input"]
    fits = [tuple(each.shape) for each in given] == [each.outputs[0].shape for each in entries]
    inputs = {entry.index: tensor for entry, tensor in zip(entries, given, strict=True)} if fits else {}

    def leaf(operation: Operation, output: int) -> Tensor:
        given_here = inputs.get(operation.index)
        if operation.kind == "input":
            usable = given_here is not None and not given_here.is_meta
            return (
                given_here.clone() if usable and given_here is not None else filled(operation.outputs[output])
            )
        if operation.id not in state or state[operation.id].is_meta:
            raise ExecutionError(f"nothing is known of {operation.id}")
        return state[operation.id].detach().clone()

    return leaf
