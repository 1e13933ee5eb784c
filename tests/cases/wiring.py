"""Skips that lead nowhere, are missing, or are there twice."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .case import Case


class TwoStreams(nn.Module):
    """ResiDual: a post-norm stream, and beside it a residual that is normalised once, at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(8) for _ in range(2))
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))
        self.final = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        total = x
        for norm, layer in zip(self.norms, self.layers, strict=True):
            y = layer(x)
            total = total + y
            x = norm(x + y)
        return x + self.final(total)


class ForgottenStream(TwoStreams):
    """The same without the last line's first half: the residual is summed for nothing."""

    def forward(self, x: Tensor) -> Tensor:
        total = x
        for norm, layer in zip(self.norms, self.layers, strict=True):
            y = layer(x)
            total = total + y
            x = norm(x + y)
        return x


class NovelView(nn.Module):
    """An encoder whose features were to reach the decoder at every scale."""

    def __init__(self) -> None:
        super().__init__()
        self.down1 = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.side1 = nn.Conv2d(8, 8, 1)
        self.down2 = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(8, 8, 4, stride=2, padding=1)
        self.up1 = nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)

    def forward(self, view: Tensor) -> Tensor:
        fine = torch.relu(self.down1(view))
        side = self.side1(fine)
        coarse = torch.relu(self.down2(fine))
        image: Tensor = self.up1(torch.relu(self.up2(coarse)) + side)
        return image


class BlindDecoder(NovelView):
    """The decoder starts from the coarsest features and takes nothing else."""

    def forward(self, view: Tensor) -> Tensor:
        fine = torch.relu(self.down1(view))
        _side = self.side1(fine)
        coarse = torch.relu(self.down2(fine))
        image: Tensor = self.up1(torch.relu(self.up2(coarse)))
        return image


class ImageBlock(nn.Module):
    """A residual block of a generator's encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(8, 8, 3, bias=False),
            nn.InstanceNorm2d(8),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(8, 8, 3, bias=False),
            nn.InstanceNorm2d(8),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class StyledBlock(nn.Module):
    """Its counterpart in the decoder, whose norms take their affine part from outside."""

    def __init__(self, *, residual: bool) -> None:
        super().__init__()
        self.pad = nn.ReflectionPad2d(1)
        self.conv1 = nn.Conv2d(8, 8, 3, bias=False)
        self.conv2 = nn.Conv2d(8, 8, 3, bias=False)
        self.residual = residual

    def forward(self, x: Tensor, gamma: Tensor) -> Tensor:
        out = torch.relu(nn.functional.instance_norm(self.conv1(self.pad(x))) * gamma)
        out = nn.functional.instance_norm(self.conv2(self.pad(out))) * gamma
        return out + x if self.residual else out


class Generator(nn.Module):
    """Encoder blocks, a style that is read from their features, decoder blocks."""

    def __init__(self, *, residual: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.encoder = nn.ModuleList(ImageBlock() for _ in range(3))
        self.style = nn.Linear(8, 8)
        self.decoder = nn.ModuleList(StyledBlock(residual=residual) for _ in range(3))
        self.head = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.encoder:
            x = block(x)
        gamma = self.style(x.mean(dim=(2, 3)))[:, :, None, None]
        for block in self.decoder:
            x = block(x, gamma)
        head: Tensor = self.head(x)
        return head


class DarkBlock(nn.Module):
    """A residual block of Darknet, with the shortcut taken in once or twice."""

    def __init__(self, *, twice: bool) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(8, 4, 1)
        self.expand = nn.Conv2d(4, 8, 3, padding=1)
        self.twice = twice

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.leaky_relu(self.expand(nn.functional.leaky_relu(self.reduce(x), 0.1)), 0.1)
        y = y + x
        return y + x if self.twice else y


def darknet(*, twice: bool) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *(DarkBlock(twice=twice) for _ in range(2)))


def image() -> tuple[Tensor, ...]:
    return (torch.randn(1, 3, 16, 16),)


CASES = (
    Case(
        "lucidrains/vit-pytorch#265",
        "SKL202",
        ForgottenStream,
        TwoStreams,
        lambda: (torch.randn(2, 8),),
        ("add_2",),
    ),
    Case(
        "Multiview2Novelview#11",
        "SKL202",
        BlindDecoder,
        NovelView,
        image,
        ("side1",),
    ),
    Case(
        "znxlwm/UGATIT-pytorch#32",
        "SKL203",
        lambda: Generator(residual=False),
        lambda: Generator(residual=True),
        image,
        ("decoder.0/mul_1", "decoder.1/mul_1", "decoder.2/mul_1"),
    ),
    Case(
        "yakhyo/darknet-pytorch#2",
        "SKL205",
        lambda: darknet(twice=True),
        lambda: darknet(twice=False),
        image,
        ("1/add_1", "2/add_1"),
    ),
)
