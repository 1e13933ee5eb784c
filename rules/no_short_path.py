"""SKL502 no-short-path."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    MOST_PLAIN_LAYERS,
    Analysis,
    Finding,
    Flow,
    Operation,
    PlainRuns,
    Rule,
    RuleOptions,
    Severity,
)


class NoShortPath(Rule):
    """A deep model with skips, in which even the shortest way of a gradient goes through many layers.

    ## What it does
    Counts the weighted layers on the shortest path from an output of the model to an input of numbers, or to
    the layer that looks tokens up, and reports a model whose shortest path has more than `limit` of them.
    A model with a long run of layers that no skip interrupts is plain-depth's (SKL305), and is not reported
    twice.

    ## Why it is bad
    What lets deep networks train is that much of the gradient comes by short paths (Veit et al. 2016). Where
    the skips leave many layers that every path goes through (a projection on every shortcut, a transition
    after every block), the network is as deep as these for every gradient: in He et al. 2016b projections on
    all shortcuts of ResNet-110 raise the error from 6.61% to 12.22%.

    ## Options
    `limit`: weighted layers on the shortest path that are still fine.

    ## When it is wrong
    Where the layers that every path passes do no harm: most are depthwise or well-conditioned, as in
    EfficientNet, whose shortest path has 23.

    ## References
    - Veit, Wilber and Belongie 2016, Residual Networks Behave Like Ensembles of Relatively Shallow Networks
      (arXiv 1605.06431).
    - He et al. 2016b, Identity Mappings in Deep Residual Networks (arXiv 1603.05027), table 1.
    """

    code = "SKL502"
    name = "no-short-path"
    severity = Severity.WARNING
    depends_on_sizes = True

    class Options(RuleOptions, frozen=True):
        """How long is too long."""

        limit: int = 40

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Compare the shortest path with the limit."""
        if not analysis.skips:
            return
        end, shortest = _shortest(analysis)
        if end is None or shortest <= self.options.limit:
            return
        if any(len(run) > MOST_PLAIN_LAYERS for run in analysis.of(PlainRuns)):
            return
        graph = analysis.graph
        longest = analysis.of(Flow).tree.longest[end]
        first = graph.operations[analysis.skips[0].join]
        yield self.finding(
            f"the shortest path of a gradient goes through {shortest} weighted layers, of {longest} on the "
            f"longest, past {len(analysis.skips)} skips",
            node=first,
            expected=f"at most {self.options.limit}",
            actual=str(shortest),
            suggestion="make the shortcuts identities where the shapes allow it, or add a long skip past the "
            "layers that every path goes through",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
                self.shortcut = nn.Linear(width, width)

            def forward(self, x):
                return torch.relu(self.shortcut(x) + self.branch(x))  # SKL502


        model = nn.Sequential(*(Block(8) for _ in range(48)))
        inputs = (torch.randn(2, 8),)
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

            def forward(self, x):
                return torch.relu(x + self.branch(x))


        model = nn.Sequential(nn.Linear(8, 8), *(Block(8) for _ in range(48)))
        inputs = (torch.randn(2, 8),)
        """,
    )


def _shortest(analysis: Analysis) -> tuple[int | None, int]:
    """The output that is nearest to an input, and how many weighted layers lie between."""
    flow = analysis.of(Flow)
    ends: list[int] = [
        operand.producer
        for operation in analysis.graph
        if operation.kind == "output"
        for operand in flow.reads[operation.index]
        if not _is_loss(analysis.graph.operations[operand.producer])
    ]
    nearest = min(ends, key=lambda end: flow.tree.shortest[end], default=None)
    return nearest, 0 if nearest is None else flow.tree.shortest[nearest]


def _is_loss(operation: Operation) -> bool:
    return not operation.outputs[0].shape
