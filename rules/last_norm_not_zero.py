"""SKL307 last-norm-not-zero."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Family,
    Finding,
    Flow,
    Operation,
    Rule,
    Severity,
    Skip,
    is_residual,
    main_operand,
    past_views,
)


class LastNormNotZero(Rule):
    """The norm that ends a residual branch starts with a weight that is not zero.

    ## What it does
    Reports residual additions whose branch ends in a norm with a learned weight that has the same value in
    all channels, and one other than zero, as `nn.BatchNorm2d` makes it. Blocks with a learned scale on the
    branch, and norms whose weights differ from channel to channel (a trained model), are left alone. Runs
    only when selected, and only where the weights can be had.

    ## Why it is bad
    With a last weight of zero every block is the identity at first, the signal and the gradient pass the
    network as if it were shallow, and large batches and learning rates become stable: Goyal et al. trained
    ResNet-50 in one hour so, and it is part of most recipes since. With a weight of one each block adds as
    much variance as it is given.

    ## When it is wrong
    Where something else makes up for it: a warm-up of the learning rate, blocks that are dropped at random.
    A default ResNet trains well without.

    ## References
    - Goyal et al. 2017, Accurate, Large Minibatch SGD (arXiv 1706.02677), section 5.1.
    - torchvision: `resnet50(zero_init_residual=True)`; timm: `zero_init_last=True`.
    """

    code = "SKL307"
    name = "last-norm-not-zero"
    severity = Severity.INFO
    default = False

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look at the weight of the norm before each residual addition."""
        flow = analysis.of(Flow)
        ending = [(skip, norm) for skip in analysis.skips if (norm := _last_norm(flow, skip)) is not None]
        state = analysis.state if ending else None
        if state is None:
            return
        for skip, norm in ending:
            name = _weight(flow, norm)
            weight = state.get(name) if name else None
            if weight is None or weight.is_meta or not weight.numel():
                continue
            value = float(weight.detach().flatten()[0])
            if value and bool((weight == value).all()):
                yield self.finding(
                    f"the branch that is added here ends in {norm.id}, whose weight starts at {value:g}",
                    node=analysis.graph.operations[skip.join],
                    expected=f"{name} = 0",
                    actual=f"{name} = {value:g}",
                    shapes=analysis.graph.shapes(skip.operands),
                    suggestion=f"nn.init.zeros_ on {name}, so that the block starts as the identity",
                )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
                self.norm1 = nn.BatchNorm2d(channels)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
                self.norm2 = nn.BatchNorm2d(channels)

            def forward(self, x):
                out = torch.relu(self.norm1(self.conv1(x)))
                out = self.norm2(self.conv2(out))
                return torch.relu(out + x)  # SKL307


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8)).eval()
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
                self.norm1 = nn.BatchNorm2d(channels)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
                self.norm2 = nn.BatchNorm2d(channels)
                nn.init.zeros_(self.norm2.weight)

            def forward(self, x):
                out = torch.relu(self.norm1(self.conv1(x)))
                out = self.norm2(self.conv2(out))
                return torch.relu(out + x)


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8)).eval()
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )


def _last_norm(flow: Flow, skip: Skip) -> Operation | None:
    if not is_residual(skip):
        return None
    operation = flow.graph.operations[past_views(flow, main_operand(skip)).producer]
    return operation if operation.op.is_a(Family.NORM) else None


def _weight(flow: Flow, norm: Operation) -> str | None:
    """The name of the norm's weight: the first parameter that it reads."""
    makers = (flow.graph.operations[operand.producer] for operand in norm.operands)
    return next((maker.id for maker in makers if maker.kind == "parameter"), None)
