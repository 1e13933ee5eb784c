"""A U-Net as in Ronneberger, Fischer and Brox (2015), with padded convolutions.

What it shows: four concatenative skips, from each level of the encoder to the same level of the decoder.
There is nothing to complain about. Try ``skiplint examples/unet.py``.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions, each with a norm and a ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class Up(nn.Module):
    """Doubles the resolution and joins the features of the encoder."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
        self.conv = DoubleConv(2 * out_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.conv(torch.cat([skip, self.up(x)], dim=1))


class UNet(nn.Module):
    """Four levels down, four levels up."""

    def __init__(self, in_channels: int = 3, classes: int = 2, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        self.stem = DoubleConv(in_channels, width)
        steps = list(pairwise(widths))
        self.encoder = nn.ModuleList(DoubleConv(upper, lower) for upper, lower in steps)
        self.decoder = nn.ModuleList(Up(lower, upper) for upper, lower in reversed(steps))
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        if any(size % 16 for size in image.shape[2:]):
            raise ValueError(f"height and width must be multiples of 16, not {tuple(image.shape[2:])}")
        x = self.stem(image)
        skips = []
        for block in self.encoder:
            skips.append(x)
            x = block(self.pool(x))
        for block in self.decoder:
            x = block(x, skips.pop())
        return self.head(x)


if __name__ == "__main__":
    print(UNet()(torch.randn(1, 3, 256, 256)).shape)
