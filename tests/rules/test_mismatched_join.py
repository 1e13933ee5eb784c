"""SKL101 on concatenations along the wrong axis."""

from __future__ import annotations

import torch
from torch import nn

import skiplint


class Decoder(nn.Module):
    """Joins its input with a feature of the same size, and reads both."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3, padding=1)
        self.last = nn.Conv2d(128, 10, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.cat([x, self.conv(x)]))


class Head(nn.Module):
    """The same for tokens, whose features are their last axis."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.last = nn.Linear(32, 32), nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.cat([x, self.fc(x)], 1))


def messages(model: nn.Module, x: torch.Tensor) -> list[str]:
    return [each.message for each in skiplint.lint(model, x).findings if each.code == "SKL101"]


def test_the_message_says_which_axis_was_used_and_which_is_needed() -> None:
    found = messages(Decoder(), torch.zeros(2, 64, 8, 8))
    assert found == ["cat uses dim 0; the next layer needs dim 1, 128 channels"]


def test_features_of_tokens() -> None:
    found = messages(Head(), torch.zeros(2, 7, 32))
    assert found == ["cat uses dim 1; the next layer needs dim 2, 64 features"]
