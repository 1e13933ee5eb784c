"""SKL504 unused-parameters."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Finding,
    Location,
    Rule,
    RuleOptions,
    Severity,
    Unread,
)


class UnusedParameters(Rule):
    """Parameters that are registered and that no forward reads, in training or in evaluation.

    ## What it does
    Traces the model in both modes and reports every module, and every single parameter, of which neither
    forward reads anything. A layer that runs and whose result is dropped is SKL202's. Where the forward
    decides by values (a mixture of experts), a layer is left out if one just like it beside it is read.
    Runs only when selected.

    ## Why it is bad
    A layer that was meant to be in the forward and is not makes a smaller model than the one that is written
    down, without any error. The parameters still take memory, are saved, are decayed by the optimiser, and
    make DistributedDataParallel stop with "expected to have finished reduction".

    ## Options
    `least`: parameters with fewer elements than this are left out, together where they are one module.

    ## When it is wrong
    Where a parameter is for a forward that the example inputs do not ask for: a mask token that only
    pre-training with a mask reads, a decoder that only generation runs, an adapter that is switched on later.

    ## References
    - PyTorch documentation, DistributedDataParallel, find_unused_parameters.
    """

    code = "SKL504"
    name = "unused-parameters"
    severity = Severity.WARNING
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """How small is too small to matter."""

        least: int = 1

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Report what no forward reads."""
        for unread in analysis.unread:
            if unread.elements >= self.options.least:
                yield self._report(analysis, unread)

    def _report(self, analysis: Analysis, unread: Unread) -> Finding:
        many = f"{unread.elements:,} parameter" + ("" if unread.elements == 1 else "s")
        what = f"{unread.path} ({many}) is" if unread.whole else f"the parameter {unread.path} is"
        return self.finding(
            f"{what} never read by a forward, in training or in evaluation",
            location=_owner(analysis, unread.owner),
            expected="every parameter read",
            actual=many,
            suggestion=f"use {unread.path} in forward, or remove it",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.conv1 = nn.Conv2d(width, width, 3, padding=1)
                self.conv2 = nn.Conv2d(width, width, 3, padding=1)
                self.conv3 = nn.Conv2d(width, width, 1)

            def forward(self, x):  # SKL504
                return x + self.conv2(torch.relu(self.conv1(x)))


        model = nn.Sequential(Block(8))
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.conv1 = nn.Conv2d(width, width, 3, padding=1)
                self.conv2 = nn.Conv2d(width, width, 3, padding=1)
                self.conv3 = nn.Conv2d(width, width, 1)

            def forward(self, x):
                return x + self.conv3(torch.relu(self.conv2(torch.relu(self.conv1(x)))))


        model = nn.Sequential(Block(8))
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        '''
        import torch
        from torch import nn


        class Auxiliary(nn.Module):
            """Its second head is for training only, and its third layer has the weights of the second."""

            def __init__(self):
                super().__init__()
                self.layer, self.again = nn.Linear(4, 4), nn.Linear(4, 4)
                self.again.weight = self.layer.weight
                self.head, self.auxiliary = nn.Linear(4, 2), nn.Linear(4, 2)

            def forward(self, x):
                x = self.again(torch.relu(self.layer(x)))
                return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)


        model = Auxiliary()
        inputs = (torch.randn(3, 4),)
        ''',
    )


def _owner(analysis: Analysis, path: str) -> Location | None:
    """The class whose constructor makes the parameters; of containers of torch's, the class around them."""
    while True:
        module = analysis.graph.modules.get(path)
        if module is None or not module.class_name.startswith("torch.nn."):
            return module.location if module else None
        if not path:
            return module.location
        path = path.rpartition(".")[0]
