"""TEAM102 unnormalised-branch, with an analysis of its own."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Finding,
    Flow,
    Norms,
    Operand,
    ResidualStreams,
    Rule,
    RuleOptions,
    Severity,
    branch_operations,
)


class NormalisedBranches:
    """The joins of the residual skips that have a norm in their branch, by the index of the operation.

    A provider: ``analysis.of(NormalisedBranches)`` computes it once, for however many rules ask.
    """

    @staticmethod
    def compute(analysis: Analysis) -> frozenset[int]:
        """Look for results of norms, also of those written by hand, in every branch."""
        flow, norms = analysis.of(Flow), analysis.of(Norms)
        return frozenset(
            skip.join
            for stream in analysis.of(ResidualStreams())
            for skip in stream
            if any(
                norms.source(Operand(operation.index, 0, "0")) is not None
                for operation in branch_operations(flow, skip)
            )
        )


class UnnormalisedBranch(Rule):
    """One residual branch has no norm though all others in its stream have one.

    ## What it does
    Follows each chain of residual blocks, and reports the block whose branch has no norm if all the others
    have one, be it a layer of torch or written by hand.

    ## Why it is bad
    That block adds activations of another scale to the stream, most often because its norm was forgotten.

    ## Options
    `siblings`: how many other blocks with a norm it takes to call one without a mistake.

    ## When it is wrong
    For a block that is meant to differ, such as the first one after the stem.
    """

    code = "TEAM102"
    name = "unnormalised-branch"
    severity = Severity.WARNING

    class Options(RuleOptions, frozen=True):
        """How clear the case has to be."""

        siblings: int = 2

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look for a stream in which one block alone has no norm."""
        normalised = analysis.of(NormalisedBranches)
        for stream in analysis.of(ResidualStreams()):
            without = [skip for skip in stream if skip.join not in normalised]
            others = len(stream) - len(without)
            if len(without) == 1 and others >= self.options.siblings:
                join = analysis.graph.operations[without[0].join]
                yield self.finding(
                    f"the branch of {join.id} has no norm, those of the other {others} blocks have one",
                    node=join,
                    expected="a norm in the branch",
                    actual="none",
                    suggestion="add the norm that the other blocks have",
                )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width, norm):
                super().__init__()
                self.norm, self.layer = norm, nn.Linear(width, width)

            def forward(self, x):
                return x + self.layer(self.norm(x))


        class Plain(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.layer = nn.Linear(width, width)

            def forward(self, x):
                return x + self.layer(x)  # TEAM102


        model = nn.Sequential(Block(8, nn.LayerNorm(8)), Plain(8), Block(8, nn.LayerNorm(8)))
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
                self.norm, self.layer = nn.LayerNorm(width), nn.Linear(width, width)

            def forward(self, x):
                return x + self.layer(self.norm(x))


        class ByHand(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.layer = nn.Linear(width, width)

            def forward(self, x):
                scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
                return x + self.layer(x * scale)


        model = nn.Sequential(Block(8), ByHand(8), Block(8))
        inputs = (torch.randn(2, 8),)
        """,
    )
