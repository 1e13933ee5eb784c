"""SKL601 unjustified-skip."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Family,
    Finding,
    Flow,
    Operand,
    Operation,
    Rule,
    RuleOptions,
    Severity,
    Skip,
    branch_operations,
    is_residual,
    last_layer,
    past_views,
    tensor_name,
)


class UnjustifiedSkip(Rule):
    """A skip around a single linear layer, which that layer could do alone.

    ## What it does
    Reports residual additions whose branch is one convolution or linear layer and nothing else: no norm, no
    activation, no learned scale. A layer with more than `weights` weights is not counted as cheap. Runs only
    when selected.

    ## Why it is bad
    `x + W x` is `(W + 1) x`: the sum is a layer of the same kind, so the skip makes no new function and no
    path of another length that counts, as the layer's own weights can hold the identity. It does
    cost something: the input is kept until the addition, and an addition reads and writes it once more.

    ## Options
    `weights`: how many weights a cheap layer has at most.

    ## When it is wrong
    Where the skip is meant as an initialisation or a regularisation, since weight decay then pulls towards
    the identity; where only a depth-wise convolution is added (a conditional position encoding); and where
    both are folded into one after training.

    ## References
    - He et al. 2016, Deep Residual Learning (arXiv 1512.03385), section 3.2: with a single layer the block is
      linear, "for which we have not observed advantages".
    """

    code = "SKL601"
    name = "unjustified-skip"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """What is cheap."""

        weights: int = 10_000_000

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look for branches of one layer."""
        flow = analysis.of(Flow)
        graph = analysis.graph
        for skip in analysis.skips:
            layer = _only_layer(flow, skip)
            if layer is None or _weights(flow, layer) > self.options.weights:
                continue
            fork = skip.connections[0].fork
            yield self.finding(
                f"the skip from {tensor_name(graph, fork)} goes around {layer.id} alone: a {layer.base_name} "
                "and its input are together one such layer",
                node=graph.operations[skip.join],
                expected="a branch with an activation, a norm or more than one layer",
                actual=f"one {layer.base_name} of {_weights(flow, layer):,} weights; the skip keeps "
                f"{graph.spec(fork).nbytes:,} bytes until the addition",
                shapes=graph.shapes(skip.operands),
                suggestion="leave out the skip, or put a norm and an activation into the branch",
            )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.mix = nn.Conv2d(channels, channels, 1)

            def forward(self, x):
                return torch.relu(x + self.mix(x))  # SKL601


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
                self.mix = nn.Conv2d(channels, channels, 1)

            def forward(self, x):
                return x + self.mix(torch.relu(x))


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )


def _only_layer(flow: Flow, skip: Skip) -> Operation | None:
    """The layer of the branch, if the branch is just that."""
    if not is_residual(skip) or skip.span != 1:
        return None
    layer = last_layer(flow, skip)
    if layer is None or not layer.op.is_a(Family.LINEAR, Family.CONVOLUTION, Family.MATRIX_PRODUCT):
        return None
    if [each for each in branch_operations(flow, skip) if each.weighted] != [layer]:
        return None
    reads = flow.reads[layer.index]
    same = [_origin(flow, read) == _origin(flow, skip.connections[0].fork) for read in reads]
    return layer if same == [True] else None


def _origin(flow: Flow, operand: Operand) -> tuple[int, int]:
    source = past_views(flow, operand)
    return source.producer, source.output


def _weights(flow: Flow, layer: Operation) -> int:
    count = 0
    for operand in layer.operands:
        if flow.graph.operations[operand.producer].kind == "parameter":
            size = 1
            for extent in flow.graph.spec(operand).shape:
                size *= extent
            count += size
    return count
