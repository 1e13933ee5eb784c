"""SKL501 shallow-effective-depth."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Finding,
    GradientError,
    Rule,
    RuleOptions,
    Severity,
)

UNMEASURED = "run this rule where the weights fit into memory, or ignore it here"


class ShallowEffectiveDepth(Rule):
    """Nearly all of the gradient comes by paths through a small part of the residual blocks.

    ## What it does
    Measures which part of the gradient comes by paths of each length (one forward and one backward pass on
    real weights, see docs/paths.md), and reports a model of at least `least` residual blocks in which
    `weight` of the gradient takes paths through at most `part` of the blocks. It names the blocks that the
    least gradient goes through. Runs only when selected, because it needs the weights.

    ## Why it is bad
    Such a network is as deep as its short paths and costs as much as its long ones. Blocks that carry next to
    nothing can often be left out, before training or after it, at hardly any loss (Veit et al. 2016 remove
    blocks of a trained ResNet-110; Huang et al. 2016 leave them out at random while training).

    ## Options
    `part`: of the blocks, that the gradient's paths at most go through.
    `weight`: the part of the gradient that is meant by nearly all.
    `least`: blocks, below which a model is not deep.
    `idle`: a block with less of the gradient than this could go.

    ## When it is wrong
    Residual branches that start at zero (zero-init of the last norm's scale, SkipInit, ReZero) carry nothing
    at the start and grow in training: measure a trained model. In any residual network the effective paths
    are shorter than the mean; that alone is no fault.

    ## References
    - Veit, Wilber and Belongie 2016 (arXiv 1605.06431): in a ResNet of 54 blocks nearly all gradient comes by
      paths of 5 to 17.
    - Huang et al. 2016, Deep Networks with Stochastic Depth (arXiv 1603.09382).
    """

    code = "SKL501"
    name = "shallow-effective-depth"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """What counts as shallow."""

        part: float = 0.25
        weight: float = 0.95
        least: int = 12
        idle: float = 0.05

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Compare the length of the effective paths with the number of blocks."""
        blocks = analysis.paths.blocks.max if len(analysis.skips) >= self.options.least else 0
        if blocks < self.options.least:
            return
        try:
            effective = analysis.gradients.effective
        except GradientError as error:
            yield self.finding(f"cannot be judged: {error}", suggestion=UNMEASURED)
            return
        depth = effective.blocks.percentile(100 * self.options.weight)
        if depth > self.options.part * blocks:
            return
        operations = effective.graph.operations
        idle = [operations[each.join].id for each in effective.shares if each.block < self.options.idle]
        named = f"the blocks that end at {_listed(idle)}" if idle else "no block in particular"
        yield self.finding(
            f"{self.options.weight:.0%} of the gradient comes by paths of at most {depth} of {blocks} "
            "residual blocks",
            node=analysis.graph.by_id.get(idle[0])
            if idle
            else analysis.graph.operations[analysis.skips[0].join],
            expected=f"paths of more than {self.options.part * blocks:g} blocks",
            actual=f"{depth}, mean {effective.blocks.mean:.1f}",
            suggestion=f"{named} could go: each has less than {self.options.idle:.0%} of the gradient",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
                self.scale = nn.Parameter(torch.full((width,), 1e-4))

            def forward(self, x):
                return x + self.scale * self.branch(x)  # SKL501


        model = nn.Sequential(nn.Linear(4, 8), *(Block(8) for _ in range(16)))
        inputs = (torch.randn(4, 4),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.branch = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU())

            def forward(self, x):
                return x + 2 * self.branch(x)


        model = nn.Sequential(nn.Linear(4, 32), *(Block(32) for _ in range(16)))
        inputs = (torch.randn(4, 4),)
        """,
    )


def _listed(names: list[str]) -> str:
    """The first few, and how many more."""
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
