"""Branches that write into the tensor that the shortcut carries."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .case import Case


class QuantizerBlock(nn.Module):
    """A residual block of a VQ-VAE: a ReLU, a 3x3 and a 1x1 convolution."""

    def __init__(self, channels: int, hidden: int, *, in_place: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(inplace=in_place),
            nn.Conv2d(channels, hidden, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        residual = self.layers(features)
        residual += features
        return residual


def quantizer(*, in_place: bool) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=2, padding=1),
        QuantizerBlock(8, 4, in_place=in_place),
        QuantizerBlock(8, 4, in_place=in_place),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 2, 1),
    )


class MiddleBlock(nn.Module):
    """A block of iResNet's middle kind: an activation first, a norm last, the identity added."""

    def __init__(self, channels: int, *, in_place: bool) -> None:
        super().__init__()
        self.activation = nn.ReLU(inplace=in_place)
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        y = self.first(self.activation(x))
        y = self.second(self.activation(self.norm(y)))
        return y + identity


def middle_blocks(*, in_place: bool) -> nn.Module:
    stage = nn.Sequential(*(MiddleBlock(8, in_place=in_place) for _ in range(2)))
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), stage, nn.ReLU(inplace=True))


class RectifiedBlock(nn.Module):
    """A block whose left side ends in a ReLU, and is added to in place."""

    def __init__(self, channels: int, *, rectified: bool) -> None:
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * channels, channels, 3, padding=1),
        )
        if rectified:
            self.left.append(nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        left = self.left(x)
        left += x
        return torch.relu(left)


def rectified_blocks(*, rectified: bool) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), *(RectifiedBlock(8, rectified=rectified) for _ in "ab")
    )


class Level(nn.Module):
    """A U-Net that contains itself: the skip goes around all lower levels."""

    def __init__(self, channels: int, inner: nn.Module | None, *, in_place: bool) -> None:
        super().__init__()
        width = channels if inner is None else 2 * channels
        self.down = nn.LeakyReLU(0.2, inplace=in_place)
        self.inside = nn.Sequential(
            self.down,
            nn.Conv2d(channels, channels, 4, stride=2, padding=1),
            *([] if inner is None else [inner]),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.inside(x)], dim=1)


def nested(*, in_place: bool) -> nn.Module:
    lowest = Level(4, None, in_place=in_place)
    return nn.Sequential(nn.Conv2d(3, 4, 1), Level(4, lowest, in_place=in_place), nn.Conv2d(8, 3, 1))


def image() -> tuple[Tensor, ...]:
    return (torch.randn(1, 3, 16, 16),)


CASES = (
    Case(
        "rosinality/vq-vae-2-pytorch#60",
        "SKL201",
        lambda: quantizer(in_place=True),
        lambda: quantizer(in_place=False),
        image,
        ("1/add_", "2/add_"),
    ),
    Case(
        "iduta/iresnet#2",
        "SKL201",
        lambda: middle_blocks(in_place=True),
        lambda: middle_blocks(in_place=False),
        image,
        ("2.0/add", "2.1/add"),
    ),
    Case(
        "lanpa/tensorboardX#215",
        "SKL201",
        lambda: nested(in_place=True),
        lambda: nested(in_place=False),
        image,
        ("1.inside.2/cat", "1/cat"),
    ),
    Case(
        # Old releases of PyTorch trained it wrongly, today's refuse the backward pass: the sum overwrites
        # what the ReLU before it needs. The ReLU has no place there anyway, which is the other finding.
        "pytorch/pytorch#5687",
        "SKL206",
        lambda: rectified_blocks(rectified=True),
        lambda: rectified_blocks(rectified=False),
        image,
        ("1/add_", "2/add_"),
        besides="SKL302",
    ),
)
