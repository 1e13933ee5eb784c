"""SKL305 plain-depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skiplint.rules_api import (
    MOST_PLAIN_LAYERS,
    Analysis,
    Finding,
    Operation,
    PlainRuns,
    Rule,
    RuleOptions,
    Severity,
)


class PlainDepth(Rule):
    """More weighted layers in a row than can be trained well, with no skip around any of them.

    ## What it does
    Counts the weighted layers (convolutions, linear layers, recurrent cells) that lie on every path from
    the model's input to its output, and reports a run of more than `limit` of them that no skip
    connection interrupts. Layers in parallel branches, as in an Inception block, are not counted, since
    no single one of them is on every path; neither is a layer that is used again. A depthwise convolution
    and the layer after it are one (together they stand for one full convolution).

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
    depends_on_sizes = True

    class Options(RuleOptions, frozen=True):
        """How deep is too deep."""

        limit: int = MOST_PLAIN_LAYERS

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Judge each run of layers between the joins of skips."""
        for run in analysis.of(PlainRuns):
            yield from self._judge(run)

    def _judge(self, run: Sequence[Operation]) -> Iterator[Finding]:
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
