"""TEAM101 wide-concatenation."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import Analysis, Finding, Rule, RuleOptions, Severity


class WideConcatenation(Rule):
    """A concatenative skip joins more tensors than the team allows.

    ## What it does
    Reports concatenations that join more than `limit` tensors, if a skip connection ends there.

    ## Why it is bad
    Our accelerator copies every operand on its own, so wide concatenations are slow.

    ## Options
    `limit`: how many tensors may be joined at once.

    ## When it is wrong
    For models that only run on the workstation.
    """

    code = "TEAM101"
    name = "wide-concatenation"
    severity = Severity.WARNING

    class Options(RuleOptions, frozen=True):
        """How wide is too wide."""

        limit: int = 3

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Count the operands of every concatenative skip."""
        for skip in analysis.skips:
            if skip.kind == "concatenative" and len(skip.operands) > self.options.limit:
                join = analysis.graph.operations[skip.join]
                yield self.finding(
                    f"{join.id} joins {len(skip.operands)} tensors",
                    node=join,
                    expected=f"at most {self.options.limit}",
                    actual=str(len(skip.operands)),
                    suggestion="join in two steps, or leave some features out",
                )

    bad = (
        """
        import torch
        from torch import nn


        class Dense(nn.Module):
            def __init__(self, channels=4):
                super().__init__()
                self.layers = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3))

            def forward(self, x):
                features = [x]
                for layer in self.layers:
                    features.append(torch.relu(layer(features[-1])))
                return torch.cat(features, dim=1)  # TEAM101


        model = Dense()
        inputs = (torch.randn(1, 4, 8, 8),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Dense(nn.Module):
            def __init__(self, channels=4):
                super().__init__()
                self.layers = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

            def forward(self, x):
                features = [x]
                for layer in self.layers:
                    features.append(torch.relu(layer(features[-1])))
                return torch.cat(features, dim=1)


        model = Dense()
        inputs = (torch.randn(1, 4, 8, 8),)
        """,
    )
