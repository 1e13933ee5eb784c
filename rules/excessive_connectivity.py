"""SKL503 excessive-connectivity."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Finding,
    GradientError,
    Rule,
    RuleOptions,
    Severity,
    Skip,
)

UNMEASURED = "run this rule where the weights fit into memory, or ignore it here"


class ExcessiveConnectivity(Rule):
    """A skip that costs memory and carries next to none of the gradient.

    ## What it does
    Measures which part of the gradient takes each skip's shortcuts (one forward and one backward pass on real
    weights, see docs/paths.md), and reports concatenative and long skips by which less than `share` comes and
    that hold at least `bytes` of memory. Runs only when selected, because it needs the weights.

    ## Why it is bad
    A long skip keeps its tensor alive until the join, and a concatenation copies it and widens the next
    layer. A skip that hardly any gradient takes has the cost of a connection without its use: connecting
    everything to everything is not what makes dense networks work, and most of their features are hardly
    read by late layers (Huang et al. 2017, figure 5).

    ## Options
    `share`: of the gradient, below which a skip adds nothing.
    `bytes`: of what the shortcuts bring to the join, below which a skip costs nothing.

    ## When it is wrong
    Gradient is not information: a skip may bring the decoder detail that it could not have otherwise while
    little gradient flows back by it. `skiplint ablate` shows what the model does without it. Untrained
    weights may say something else than trained ones.

    ## References
    - Huang et al. 2017, Densely Connected Convolutional Networks (arXiv 1608.06993), figure 5.
    - Pleiss et al. 2017, Memory-Efficient Implementation of DenseNets (arXiv 1707.06990).
    """

    code = "SKL503"
    name = "excessive-connectivity"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """What a skip is to carry and to cost."""

        share: float = 0.01
        bytes: int = 65536

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Compare what each costly skip carries with what is left of its gradient."""
        costs = {
            analysis.graph.operations[skip.join].id: _bytes(analysis, skip)
            for skip in analysis.skips
            if skip.kind == "concatenative" or skip.long
        }
        if not any(cost >= self.options.bytes for cost in costs.values()):
            return
        try:
            effective = analysis.gradients.effective
        except GradientError as error:
            yield self.finding(f"cannot be judged: {error}", suggestion=UNMEASURED)
            return
        for found in effective.shares:
            join = effective.graph.operations[found.join].id
            cost = costs.get(join, 0)
            if cost >= self.options.bytes and found.shortcut < self.options.share:
                yield self.finding(
                    f"{found.shortcut:.1%} of the gradient takes the shortcut into {join}, which holds "
                    f"{cost:,} bytes",
                    node=analysis.graph.by_id[join],
                    expected=f"at least {self.options.share:.1%} of the gradient",
                    actual=f"{found.shortcut:.2%}",
                    suggestion="leave this skip out, or see with `skiplint ablate` what it is worth",
                )

    bad = (
        """
        import torch
        from torch import nn


        class Net(nn.Module):
            def __init__(self, width=16):
                super().__init__()
                self.stem = nn.Conv2d(3, width, 3, padding=1)
                self.body = nn.Sequential(
                    nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
                )
                self.head = nn.Conv2d(2 * width, 3, 1)

            def forward(self, x):
                x = self.stem(x)
                return self.head(torch.cat([1e-4 * x, self.body(x)], dim=1))  # SKL503


        model = Net()
        inputs = (torch.randn(1, 3, 64, 64),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Net(nn.Module):
            def __init__(self, width=16):
                super().__init__()
                self.stem = nn.Conv2d(3, width, 3, padding=1)
                self.body = nn.Sequential(
                    nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
                )
                self.head = nn.Conv2d(2 * width, 3, 1)

            def forward(self, x):
                x = self.stem(x)
                return self.head(torch.cat([x, self.body(x)], dim=1))


        model = Net()
        inputs = (torch.randn(1, 3, 64, 64),)
        """,
    )


def _bytes(analysis: Analysis, skip: Skip) -> int:
    """Bytes of the tensors that the shortcuts bring, each counted once."""
    tensors = {skip.operands[connection.operand] for connection in skip.connections}
    distinct = {
        (operand.producer, operand.output): analysis.graph.spec(operand).nbytes for operand in tensors
    }
    return sum(distinct.values())
