"""SKL305 plain-depth."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from skiplint import Finding, Rule, RuleOptions, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.structure.reading import is_depthwise
from skiplint.graph import ModelGraph, Operand, Operation


class PlainDepth(Rule):
    """More weighted layers in a row than can be trained well, with no skip around any of them.

    ## What it does
    Counts the weighted layers (convolutions, linear layers, recurrent cells) that lie on every path from
    the model's input to its output, and reports a run of more than `limit` of them that no skip
    connection interrupts. Layers in parallel branches, as in an Inception block, are not counted, since
    no single one of them is on every path; neither is a layer that is used again. A depthwise convolution
    and the layer behind it are one (together they stand for one full convolution).

    ## Why it is bad
    Beyond about 20 plain layers accuracy degrades with depth, on the training set too, even with batch
    normalisation: in He et al. 2016a a plain network of 34 layers trains worse than one of 18 on
    ImageNet, and on CIFAR-10 plain-32, -44 and -56 are each worse than plain-20. The same networks with
    a skip around every two layers get better with depth.

    ## Options
    `limit`: how many weighted layers in a row are still fine.

    ## When it is wrong
    Where depth without skips is made trainable by other means: delta-orthogonal initialisation (Xiao et
    al. 2018), or tailored activations (Martens et al. 2021).

    ## References
    - He et al. 2016, Deep Residual Learning for Image Recognition (arXiv 1512.03385), figures 1, 4 and 6.
    - Howard et al. 2017, MobileNets (arXiv 1704.04861): 13 depthwise separable convolutions in a row.
    - Xiao et al. 2018, Dynamical Isometry and a Mean Field Theory of CNNs (arXiv 1806.05393).
    - Martens et al. 2021, Rapid training of deep neural networks without skip connections (arXiv 2110.01765).
    """

    code = "SKL305"
    name = "plain-depth"
    severity = Severity.WARNING

    class Options(RuleOptions, frozen=True):
        """How deep is too deep."""

        limit: int = 20

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Find the layers that no path avoids and split them into runs at the joins of skips."""
        graph = analysis.graph
        joins = {skip.join for skip in analysis.skips}
        unavoidable = _unavoidable(graph)
        run: list[Operation] = []
        for operation in graph:
            if operation.index in joins:
                yield from self._judge(run)
                run = []
            if operation.index in unavoidable and operation.weighted and operation.call == 0:
                if run and is_depthwise(graph, run[-1]) and not is_depthwise(graph, operation):
                    run.pop()  # the two are one separable convolution
                run.append(operation)
        yield from self._judge(run)

    def _judge(self, run: list[Operation]) -> Iterator[Finding]:
        limit = self.options.limit
        if len(run) > limit:
            first, last = run[0], run[-1]
            yield self.finding(
                f"{len(run)} weighted layers in a row, from {first.id} to {last.id}, "
                "with no skip around any of them",
                node=first,
                expected=f"at most {limit}",
                actual=str(len(run)),
                suggestion="add an identity shortcut around every two or three of these layers",
            )

    bad = (
        """
        import torch
        from torch import nn


        class Plain(nn.Module):
            def __init__(self, depth):
                super().__init__()
                self.layers = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(depth))

            def forward(self, x):
                for layer in self.layers:
                    x = torch.relu(layer(x))  # SKL305
                return x


        model = Plain(depth=24)
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Residual(nn.Module):
            def __init__(self, depth):
                super().__init__()
                self.layers = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(depth))

            def forward(self, x):
                for first, second in zip(self.layers[::2], self.layers[1::2]):
                    x = torch.relu(x + second(torch.relu(first(x))))
                return x


        model = Residual(depth=24)
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        '''
        import torch
        from torch import nn


        class Unrolled(nn.Module):
            """One cell that is used again and again is one layer, not thirty."""

            def __init__(self):
                super().__init__()
                self.cell = nn.Linear(8, 8)

            def forward(self, x):
                for _ in range(30):
                    x = torch.tanh(self.cell(x))
                return x


        model = Unrolled()
        inputs = (torch.randn(1, 8),)
        ''',
    )


def _unavoidable(graph: ModelGraph) -> frozenset[int]:
    """Operations that lie on every path a gradient can take between an input and an output.

    Execution order is topological, so a path avoids an operation just when one of its edges passes over
    the operation's place in that order. Paths begin before the first place and end after the last.
    """
    flows, sources = _flowing(graph)
    end = len(graph)
    # starts[i] counts the edges that begin before place i, less those that end there.
    starts = [0] * (end + 2)

    def edge(source: int, target: int) -> None:
        starts[source + 1] += 1
        starts[target] -= 1

    for index in flows:
        operation = graph.operations[index]
        if index in sources:
            edge(-1, index)
        if operation.kind == "output":
            edge(index, end)
        for operand in operation.operands:
            if operand.producer in flows and _carries_gradient(graph, operand):
                edge(operand.producer, index)
    passing = accumulate(starts)
    return frozenset(index for index, over in enumerate(passing) if over == 0 and index in flows)


def _flowing(graph: ModelGraph) -> tuple[set[int], set[int]]:
    """Operations on some path from an input to an output, and those of them where such a path begins.

    A path begins at an input of floating-point numbers, or at a layer that looks integers up. A mask that
    is made of integers begins none: it is no feature.
    """
    forward: set[int] = set()
    sources: set[int] = set()
    for operation in graph:
        if any(operand.producer in forward for operand in _gradient_operands(graph, operation)):
            forward.add(operation.index)
        elif operation.data and (operation.weighted or _is_float_input(operation)):
            forward.add(operation.index)
            sources.add(operation.index)
    both: set[int] = set()
    for operation in reversed(graph.operations):
        if operation.index in forward and (operation.kind == "output" or operation.index in both):
            both.add(operation.index)
            both.update(
                operand.producer
                for operand in _gradient_operands(graph, operation)
                if operand.producer in forward
            )
    return both, sources & both


def _is_float_input(operation: Operation) -> bool:
    return operation.kind == "input" and any(spec.floating for spec in operation.outputs)


def _gradient_operands(graph: ModelGraph, operation: Operation) -> Iterator[Operand]:
    return (operand for operand in operation.operands if _carries_gradient(graph, operand))


def _carries_gradient(graph: ModelGraph, operand: Operand) -> bool:
    return graph.operations[operand.producer].data and graph.spec(operand).floating
