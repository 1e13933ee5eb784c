"""SKL404 repeated-concat."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Chain,
    Finding,
    Rule,
    RuleOptions,
    Severity,
    byte_size,
)


class RepeatedConcat(Rule):
    """A feature that nested or repeated concatenations copy many times.

    ## What it does
    Counts into how many concatenations each feature goes, directly or as a part of another concatenation,
    and reports where that is `copies` or more: one finding for concatenations that share features, about the
    feature that is copied most. Runs only when selected.

    ## Why it is bad
    Each copy takes the memory of the feature again, and in training autograd keeps most of them. A loop that
    concatenates to its own result copies its first feature once in every turn; a list that is concatenated
    once at the end copies it once.

    ## Options
    `copies`: how many copies of one feature are many.

    ## When it is wrong
    In densely connected networks, which are meant to be so; see SKL401 for what it costs and what helps.

    ## References
    - Huang et al. 2017, Densely Connected Convolutional Networks (arXiv 1608.06993).
    """

    code = "SKL404"
    name = "repeated-concat"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """How many are many."""

        copies: int = 4

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look for the most copied feature of every chain."""
        for chain in analysis.memory.chains:
            if chain.totals.copies and chain.totals.copies[0][1] >= self.options.copies:
                yield self._finding(analysis, chain)

    def _finding(self, analysis: Analysis, chain: Chain) -> Finding:
        names = analysis.graph.operations
        feature, copies = chain.totals.copies[0]
        many = sum(number >= self.options.copies for _, number in chain.totals.copies)
        others = f"; {many - 1} more features at least {self.options.copies} times" if many > 1 else ""
        holding = [each.operation for each in chain.joins if feature in each.features]
        first, last = names[holding[0]], names[holding[-1]]
        return self.finding(
            f"the output of {names[feature.producer].id} ({byte_size(feature.nbytes)}) is copied {copies} "
            f"times, by the concatenations from {first.id} to {last.id}{others}",
            node=last,
            expected=f"fewer than {self.options.copies} copies",
            actual=str(copies),
            suggestion="collect the features in a list and concatenate them once, or hand on the list",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Growing(nn.Module):
            def __init__(self, steps=6):
                super().__init__()
                self.layers = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(steps))

            def forward(self, x):
                result = x
                for layer in self.layers:
                    x = torch.relu(layer(x))
                    result = torch.cat([result, x], 1)  # SKL404
                return result


        model = Growing()
        inputs = (torch.randn(1, 3, 32, 32),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Collected(nn.Module):
            def __init__(self, steps=6):
                super().__init__()
                self.layers = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(steps))

            def forward(self, x):
                results = [x]
                for layer in self.layers:
                    results.append(torch.relu(layer(results[-1])))
                return torch.cat(results, 1)


        model = Collected()
        inputs = (torch.randn(1, 3, 32, 32),)
        """,
    )
