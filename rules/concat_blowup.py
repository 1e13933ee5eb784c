"""SKL401 concat-blowup."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Chain,
    Finding,
    Rule,
    RuleOptions,
    Saving,
    Severity,
    byte_size,
    parse_bytes,
)


class ConcatBlowup(Rule):
    """Concatenations that copy each other's features again and again, at a cost that shows.

    ## What it does
    Takes concatenations that share features together as one chain (a dense block, a loop that appends to its
    own result) and reports the chain if it allocates `ratio` times the bytes of its features or more, and
    that is at least the `share` of what training keeps for backward; or if it allocates `bytes` or more,
    whatever the ratio. The finding names the chain, the feature that is copied most, and what three
    remedies would save. Each saving is measured: the chain is rewritten, and the whole model is run on the
    meta device with and without the change.

    - *Checkpointing*: the concatenations and what follows them up to the next layer are run again in the
      backward pass, so that only the features are kept. torchvision's DenseNets do it with
      `memory_efficient=True`. The figure is what is kept less for backward.
    - *A pre-allocated buffer*: every feature is written into its place in one buffer, and each
      concatenation is a slice of it. That is for inference: autograd refuses to go back through slices
      whose memory was written later. The figure is what the peak of inference falls by, each tensor freed
      after its last reader both times.
    - *A sum of convolutions*: a convolution with kernel 1 of a concatenation, or a linear map, is the sum of
      those of the parts, each with its share of the weights; norms and activations that treat every channel
      by itself can move before the concatenation. Only concatenations of up to 8 features are written so. The
      figure is what is kept less for backward.

    ## Why it is bad
    The memory of a chain of n concatenations is quadratic in n while the features are linear. In training
    autograd keeps the copies too, so that a dense block of 24 layers takes many times the memory of its
    features, and the largest batch shrinks with it (Pleiss et al. 2017).

    ## Options
    `ratio`: how many times the bytes of its features a chain may allocate.
    `share`: below this share of what training keeps for backward the ratio does not matter.
    `bytes`: what a chain may allocate at the traced size, whatever the ratio, such as "1GiB".

    ## When it is wrong
    Never about the bytes; but a densely connected network is meant to be one, which is why this is of
    severity info. Checkpointing runs the batch norms in its part twice, which moves their running statistics
    twice, and takes time.

    ## References
    - Pleiss et al. 2017, Memory-Efficient Implementation of DenseNets (arXiv 1707.06990).
    - Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost (arXiv 1604.06174).
    """

    code = "SKL401"
    name = "concat-blowup"
    severity = Severity.INFO
    depends_on_sizes = True

    class Options(RuleOptions, frozen=True):
        """How much is too much."""

        ratio: float = 4.0
        share: float = 0.1
        bytes: str = "4GiB"

        def __post_init__(self) -> None:
            """Refuse what is no size.

            Raises:
                ValueError: ``bytes`` is not such as 1GiB.
            """
            parse_bytes(self.bytes)

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Weigh the chains one by one."""
        memory = analysis.memory
        for chain in memory.chains:
            allocated = chain.totals.allocated
            if allocated >= parse_bytes(self.options.bytes) or (
                chain.ratio >= self.options.ratio and allocated >= self.options.share * memory.saved.nbytes
            ):
                yield self._finding(analysis, chain)

    def _finding(self, analysis: Analysis, chain: Chain) -> Finding:
        names = analysis.graph.operations
        totals = chain.totals
        first, last = (names[chain.joins[place].operation] for place in (0, -1))
        which = f"from {first.id} to {last.id} " if first is not last else f"at {first.id} "
        feature, copies = totals.copies[0]
        return self.finding(
            f"{_count(len(chain.joins), 'concatenation')} {which}"
            f"allocate{'' if len(chain.joins) > 1 else 's'} {byte_size(totals.allocated)} for "
            f"{byte_size(totals.distinct)} of features (x{chain.ratio:.1f}); the output of "
            f"{names[feature.producer].id} is copied {_count(copies, 'time')}",
            node=last,
            expected=f"less than x{self.options.ratio:g}, or less than {self.options.share:.0%} of the "
            f"{byte_size(analysis.memory.saved.nbytes)} that training keeps",
            actual=f"x{chain.ratio:.1f}, {byte_size(totals.allocated)}",
            suggestion=_advice(analysis, chain),
        )

    bad = (
        """
        import torch
        from torch import nn


        class DenseBlock(nn.Module):
            def __init__(self, growth=4):
                super().__init__()
                widths = [growth * layer for layer in range(1, 13)]
                self.layers = nn.ModuleList(nn.Conv2d(width, growth, 1) for width in widths)

            def forward(self, x):
                for layer in self.layers:
                    x = torch.cat([x, torch.relu(layer(x))], 1)  # SKL401
                return x


        model = DenseBlock()
        inputs = (torch.randn(1, 4, 32, 32),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class AggregatedOnce(nn.Module):
            def __init__(self, layers=12, growth=4):
                super().__init__()
                self.layers = nn.ModuleList(nn.Conv2d(growth, growth, 1) for _ in range(layers))

            def forward(self, x):
                features = [x]
                for layer in self.layers:
                    features.append(torch.relu(layer(features[-1])))
                return torch.cat(features, 1)


        model = AggregatedOnce()
        inputs = (torch.randn(1, 4, 32, 32),)
        """,
        '''
        import torch
        from torch import nn
        from torch.nn import functional as F


        class UNet(nn.Module):
            """Every encoder feature is copied once."""

            def __init__(self):
                super().__init__()
                self.first, self.down = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1)
                self.deep, self.last = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(16, 2, 3, padding=1)

            def forward(self, x):
                skip = torch.relu(self.first(x))
                deep = torch.relu(self.deep(self.down(skip)))
                return self.last(torch.cat([skip, F.interpolate(deep, scale_factor=2)], 1))


        model = UNet()
        inputs = (torch.randn(1, 3, 32, 32),)
        ''',
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _advice(analysis: Analysis, chain: Chain) -> str | None:
    """The remedies that save something, with what they save."""
    if analysis.graph.fx_builder is None:
        return None
    said = [text for saving in analysis.memory.rewriter.savings(chain.joins) if (text := _saves(saving))]
    return "; ".join(said) or None


def _saves(saving: Saving) -> str:
    if saving.remedy == "buffer":
        saved, of = saving.peak, saving.before.peak
        what, less = "one pre-allocated buffer", "off the peak in inference"
    else:
        saved, of = saving.saved, saving.before.saved
        less = "less for backward"
        what = "checkpointing" if saving.remedy == "checkpoint" else "sums of convolutions of the parts"
    if saved <= 0 or of is None:
        return ""
    number = len(saving.joins)
    places = f"of {_count(number, 'concatenation')}" if saving.remedy != "sum" else f"at {number} of them"
    return f"{what} {places}: {byte_size(saved)} {less} (of {byte_size(of)})"
