"""The pack's own analysis: which residual branches have a norm."""

from __future__ import annotations

import torch
from skiplint_teampack.unnormalised_branch import NormalisedBranches
from torch import Tensor, nn

import skiplint


class Block(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.branch(x)
        return out


def test_normalised_branches() -> None:
    model = nn.Sequential(Block(nn.LayerNorm(8), nn.Linear(8, 8)), Block(nn.Linear(8, 8), nn.ReLU()))
    analysis = skiplint.analyze(model, torch.randn(2, 8))
    first, second = (skip.join for skip in analysis.skips)
    assert analysis.of(NormalisedBranches) == {first}
    assert second not in analysis.of(NormalisedBranches)
    assert analysis.of(NormalisedBranches) is analysis.of(NormalisedBranches), "computed once"
