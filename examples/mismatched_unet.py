"""A U-Net with a mistake: its decoder does not count the channels that the skips bring.

What it shows: a model that raises in forward. The concatenation gives 128 + 64 channels and the convolution
after it was made for 128, so skiplint has to say which join is wrong instead of only repeating the error.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def convolutions(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 3x3 convolution, a norm and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class MismatchedUNet(nn.Module):
    """Two levels down, two levels up."""

    def __init__(self, in_channels: int = 3, classes: int = 2) -> None:
        super().__init__()
        self.encoder1 = convolutions(in_channels, 32)
        self.encoder2 = convolutions(32, 64)
        self.bottleneck = convolutions(64, 128)
        self.decoder2 = convolutions(128, 64)  # should be 128 + 64
        self.decoder1 = convolutions(64 + 32, 32)
        self.head = nn.Conv2d(32, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        level1 = self.encoder1(image)
        level2 = self.encoder2(F.max_pool2d(level1, 2))
        x = self.bottleneck(F.max_pool2d(level2, 2))
        x = torch.cat([F.interpolate(x, scale_factor=2), level2], dim=1)
        x = self.decoder2(x)
        x = torch.cat([F.interpolate(x, scale_factor=2), level1], dim=1)
        return self.head(self.decoder1(x))
