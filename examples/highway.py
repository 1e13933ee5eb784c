"""A highway network as in Srivastava, Greff and Schmidhuber (2015).

What it shows: gated skips. Every layer mixes its input and its transformation, ``t * h + (1 - t) * x``,
with a gate ``t`` that it learns; the bias of the gate starts at -2 so that the layers carry at first.
"""

import torch
from torch import Tensor, nn


class HighwayLayer(nn.Module):
    """One layer with a transform gate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.transform = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, -2.0)

    def forward(self, x: Tensor) -> Tensor:
        t = torch.sigmoid(self.gate(x))
        return t * torch.relu(self.transform(x)) + (1 - t) * x


class HighwayNetwork(nn.Module):
    """A classifier of digits with ten highway layers."""

    def __init__(self, layers: int = 10, width: int = 50, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Linear(28 * 28, width)
        self.layers = nn.Sequential(*(HighwayLayer(width) for _ in range(layers)))
        self.head = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.layers(torch.relu(self.stem(image.flatten(1)))))
