"""Skips that lead nowhere, are missing, or are there twice."""

from __future__ import annotations

from itertools import pairwise

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


class UpLevel(nn.Module):
    """One level of a U-Net's decoder. It adds the encoder's features, or concatenates them."""

    def __init__(self, below: int, width: int, *, adds: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(below, width, 2, stride=2)
        self.conv = nn.Conv2d(width if adds else 2 * width, width, 3, padding=1)
        self.adds = adds

    def forward(self, x: Tensor, side: Tensor) -> Tensor:
        x = self.up(x)
        x = x + side if self.adds else torch.cat([x, side], dim=1)
        return torch.relu(self.conv(x))


class TryOnUNet(nn.Module):
    """A U-Net, with the number of the levels of its decoder that add, counted from the coarsest."""

    def __init__(self, *, adding: tuple[int, ...]) -> None:
        super().__init__()
        widths = (4, 8, 16, 32)
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(above, below, 3, stride=2, padding=1) for above, below in pairwise(widths)
        )
        self.ups = nn.ModuleList(
            UpLevel(below, width, adds=level in adding)
            for level, (width, below) in enumerate(zip(widths[-2::-1], widths[:0:-1], strict=True))
        )
        self.head = nn.Conv2d(widths[0], 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        sides = [torch.relu(self.stem(x))]
        for down in self.downs:
            sides.append(torch.relu(down(sides[-1])))
        x = sides.pop()
        for up in self.ups:
            x = up(x, sides.pop())
        head: Tensor = self.head(x)
        return head


WIDTHS = (4, 4, 4, 8, 8, 16, 16, 32, 32)


class FlatResNet18(nn.Module):
    """ResNet-18 by its list of layers alone: the widths and strides are right, nothing is added."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 4, 7, stride=2, padding=3), nn.ReLU()]
        for before, width in pairwise(WIDTHS):
            for read, stride in ((before, 1 if before == width else 2), (width, 1)):
                layers.append(nn.Conv2d(read, width, 3, stride=stride, padding=1, bias=False))
                layers += [nn.BatchNorm2d(width), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.dense = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        dense: Tensor = self.dense(self.features(x).mean(dim=(2, 3)))
        return dense


class ResBlock(nn.Module):
    """What was written in its place."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        stride = 1 if before == width else 2
        self.conv1 = nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.identity = nn.Identity() if stride == 1 else nn.Conv2d(before, width, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(y + self.identity(x))


class ResNet18(FlatResNet18):
    def __init__(self) -> None:
        super().__init__()
        blocks = (ResBlock(before, width) for before, width in pairwise(WIDTHS))
        self.features = nn.Sequential(nn.Conv2d(3, 4, 7, stride=2, padding=3), nn.ReLU(), *blocks)


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
    Case(
        # As reported: every level of the decoder adds what it was to concatenate. That is also LinkNet's
        # decoder, the widths of the layers are those for sums, and what was meant is not in the model.
        "tryonlabs/opentryon#24",
        None,
        lambda: TryOnUNet(adding=(0, 1, 2)),
        lambda: TryOnUNet(adding=()),
        image,
    ),
    Case(
        # The same slip in one level: here the others say what was meant.
        "tryonlabs/opentryon#24, in one level of three",
        "SKL203",
        lambda: TryOnUNet(adding=(1,)),
        lambda: TryOnUNet(adding=()),
        image,
        ("ups.1/add",),
    ),
    Case(
        # The report is of a ResNet-18 without any residual connection, so there is no block for SKL203 to
        # stand out from the others. What remains is depth without a skip, and 18 layers are no more than VGG
        # has: the default limit of 20 lets them pass. A project of ResNets sets a lower one.
        "delira-dev/delira#91",
        "SKL305",
        lambda: FlatResNet18().eval(),
        lambda: ResNet18().eval(),
        image,
        ("features.0",),
        options={"limit": 16},
    ),
)
