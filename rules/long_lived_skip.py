"""SKL402 long-lived-skip."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Finding,
    HeldSkip,
    Rule,
    RuleOptions,
    Severity,
    byte_size,
)


class LongLivedSkip(Rule):
    """A skip that by itself keeps a large part of the peak of inference alive.

    ## What it does
    Looks at the moment of inference at which most bytes are alive, and at the tensors that then wait for
    nothing but the join of a skip: nobody else reads them any more. Reports a skip that holds more than the
    `share` of the peak, with the feature that waits, over which operations, and its bytes. Runs only when
    selected.

    ## Why it is bad
    The feature of the first encoder level of a U-Net is the largest of all and waits through the whole
    network. It limits the resolution and the batch that fit, while the network between does not need it.

    ## Options
    `share`: how much of the peak one skip may hold.

    ## When it is wrong
    A U-Net is built of such skips, and most are worth it; the rule is for models that have to become smaller.

    ## References
    - Ronneberger et al. 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation
      (arXiv 1505.04597).
    """

    code = "SKL402"
    name = "long-lived-skip"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """How much is too much."""

        share: float = 0.2

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Add up what each skip holds at the peak."""
        peak = analysis.memory.peak.nbytes
        held: dict[int, list[HeldSkip]] = {}
        for each in analysis.memory.held_skips:
            held.setdefault(each.skip, []).append(each)
        for waiting in held.values():
            nbytes = sum(each.nbytes for each in waiting)
            if nbytes > self.options.share * peak:
                yield self._finding(analysis, waiting, nbytes)

    def _finding(self, analysis: Analysis, waiting: list[HeldSkip], nbytes: int) -> Finding:
        names = analysis.graph.operations
        peak, largest = analysis.memory.peak, waiting[0]
        more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        span = largest.join - largest.idle_from
        share = nbytes / peak.nbytes
        top = f"{byte_size(peak.nbytes)} at the peak of inference, in {names[peak.operation].id}"
        return self.finding(
            f"the output of {names[largest.born].id}{more} ({byte_size(nbytes)}) waits for {span} operations "
            f"from {names[largest.idle_from].id} to {names[largest.join].id}, for nothing but this join: "
            f"{share:.0%} of the {top}",
            node=names[largest.join],
            expected=f"at most {self.options.share:.0%} of the peak",
            actual=f"{share:.0%}",
            suggestion="narrow the feature before it waits (a 1x1 convolution to fewer channels), keep it in "
            "half precision, or take it from a lower resolution",
        )

    bad = (
        """
        import torch
        from torch import nn
        from torch.nn import functional as F


        class UNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.down = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 64, 3, 2, 1)
                self.deep, self.out = nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 2, 1)
                self.last = nn.Conv2d(18, 2, 3, padding=1)

            def forward(self, x):
                skip = self.first(x)
                deep = self.out(self.deep(self.down(skip)))
                return self.last(torch.cat([skip, F.interpolate(deep, scale_factor=2)], 1))  # SKL402


        model = UNet()
        inputs = (torch.randn(1, 3, 32, 32),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn
        from torch.nn import functional as F


        class NarrowSkip(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.down = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 64, 3, 2, 1)
                self.deep, self.out = nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 2, 1)
                self.narrow, self.last = nn.Conv2d(16, 2, 1), nn.Conv2d(4, 2, 3, padding=1)

            def forward(self, x):
                x = self.first(x)
                skip, x = self.narrow(x), self.down(x)
                x = self.out(self.deep(x))
                return self.last(torch.cat([skip, F.interpolate(x, scale_factor=2)], 1))


        model = NarrowSkip()
        inputs = (torch.randn(1, 3, 32, 32),)
        """,
    )
