"""Models whose contracts are compared with the truth at every size up to 300."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.segmentation.deeplabv3 import DeepLabHead, DeepLabV3
from torchvision.models.segmentation.fcn import FCN, FCNHead
from torchvision.models.segmentation.lraspp import LRASPP

from tests.analysis.contract.volumes import Normed


class Ronneberger(nn.Module):
    """U-Net (arXiv 1505.04597): ``crop`` skips as the paper does, to the size or by half the difference."""

    def __init__(self, *, padding: int = 1, crop: str = "", ceil: bool = False, width: int = 2) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        self.crop, self.ceil = crop, ceil
        self.down = nn.ModuleList(map(partial(_double, padding), [3, *widths[:3]], widths[:4]))
        self.bottom = _double(padding, widths[3], widths[4])
        self.up = nn.ModuleList(nn.ConvTranspose2d(wide // 2 * 2, wide // 2, 2, 2) for wide in widths[:0:-1])
        self.join = nn.ModuleList(_double(padding, wide, wide // 2) for wide in widths[:0:-1])

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
            x = F.max_pool2d(x, 2, ceil_mode=self.ceil)
        x = self.bottom(x)
        for up, join in zip(self.up, self.join, strict=True):
            x = up(x)
            x = join(torch.cat([self._cropped(skips.pop(), x), x], 1))
        return x

    def _cropped(self, skip: Tensor, to: Tensor) -> Tensor:
        top, left = (skip.shape[2] - to.shape[2]) // 2, (skip.shape[3] - to.shape[3]) // 2
        if self.crop == "size":
            return skip[:, :, top : top + to.shape[2], left : left + to.shape[3]]
        if self.crop == "margin":
            return skip[:, :, top : skip.shape[2] - top, left : skip.shape[3] - left]
        return skip


def _double(padding: int, inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=padding),
        nn.ReLU(),
        nn.Conv2d(outside, outside, 3, padding=padding),
        nn.ReLU(),
    )


class Stemmed(nn.Module):
    """A decoder on a residual network's stem, whose strided convolution rounds up."""

    def __init__(self, levels: int = 4, first: int = 0) -> None:
        super().__init__()
        self.first = first
        self.stem = nn.Conv2d(3, 4, 7, 2, 3)
        self.down = nn.ModuleList(nn.Conv2d(4, 4, 3, 2, 1) for _ in range(levels))
        self.join = nn.ModuleList(nn.Conv2d(8, 4, 3, padding=1) for _ in range(levels))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        skips = []
        for layer in self.down:
            skips.append(x)
            x = layer(x)
        for level, layer in reversed(list(enumerate(self.join))):
            x = F.interpolate(x, scale_factor=2)
            if level >= self.first:
                x = layer(torch.cat([x, skips[level]], 1))
        return x


class Audio(nn.Module):
    """A one-dimensional U-Net without padding, as separators of music have it."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv1d(1 if level == 0 else 4, 4, 8, 4) for level in range(3))
        self.up = nn.ModuleList(nn.ConvTranspose1d(4, 1 if level == 2 else 4, 8, 4) for level in range(3))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for layer in self.down:
            x = F.relu(layer(x))
            skips.append(x)
        for layer in self.up:
            x = layer(x + skips.pop())
        return x


class WaveUNet(nn.Module):
    """Wave-U-Net (arXiv 1806.03185): every second sample is dropped, and drawn in again."""

    def __init__(self, levels: int = 3) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv1d(4 if level else 1, 4, 15, padding=7) for level in range(levels))
        self.up = nn.ModuleList(nn.Conv1d(8, 4, 5, padding=2) for _ in range(levels))
        self.last = nn.Conv1d(5, 1, 1)

    def forward(self, wave: Tensor) -> Tensor:
        x, skips = wave, []
        for layer in self.down:
            x = F.leaky_relu(layer(x))
            skips.append(x)
            x = x[..., ::2]
        for layer in self.up:
            x = layer(torch.cat([skips.pop(), F.interpolate(x, scale_factor=2.0, mode="linear")], 1))
        return self.last(torch.cat([wave, x], 1))


class Masking(nn.Module):
    """Conv-TasNet (arXiv 1809.07454) in small; the mixture is added to what is decoded."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Conv1d(1, 8, 16, 8), nn.ConvTranspose1d(8, 1, 16, 8)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv1d(8, 8, 3, padding=2**level, dilation=2**level), nn.GroupNorm(1, 8))
            for level in range(3)
        )

    def forward(self, mixture: Tensor) -> Tensor:
        x = coded = F.relu(self.encoder(mixture))
        for block in self.blocks:
            x = x + block(x)
        return self.decoder(coded * torch.sigmoid(x)) + mixture


class Unshuffled(nn.Module):
    """A restoration network that works on pixels put into channels."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.tail = nn.Conv2d(48, 8, 3, padding=1), nn.Conv2d(8, 48, 3, padding=1)
        self.block = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.head(F.pixel_unshuffle(x, 4))
        return x + F.pixel_shuffle(self.tail(y + self.block(y)), 4)


class Merging(nn.Module):
    """Patches that are merged two by two, without padding."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.merge = nn.Conv2d(3, 8, 4, 4), nn.Linear(32, 16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).permute(0, 2, 3, 1)
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.merge(torch.cat(corners, -1))


class Symmetric(nn.Module):
    """A map of pairs, halved and doubled, that is made symmetric."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(1, 4, 4, 4), nn.ConvTranspose2d(4, 1, 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.up(self.down(x))
        return x + y + y.mT


class Sequence(nn.Module):
    """A transformer's layer over learned positions, which are cut from their table."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30, 16)
        self.positions = nn.Parameter(torch.zeros(1, 128, 16))
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)

    def forward(self, ids: Tensor) -> Tensor:
        return self.layer(self.words(ids) + self.positions[:, : ids.shape[1]])


@dataclass(frozen=True)
class Case:
    """A model and an input at which it runs."""

    name: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    quick: bool = False
    ids: bool = False


def _smp(architecture: str, encoder: str = "resnet18", *, checked: bool = True) -> nn.Module:
    model: Any = smp.create_model(architecture, encoder, encoder_weights=None)
    if not checked:
        model.check_input_shape = lambda _: None
    return model  # type: ignore[no-any-return]


def _backbone(layers: dict[str, str]) -> nn.Module:
    return IntermediateLayerGetter(torchvision.models.resnet18(), layers)


def _image(size: int) -> tuple[int, ...]:
    return (1, 3, size, size)


_CHECKING = "UnetPlusPlus FPN PSPNet Linknet MAnet PAN DeepLabV3 UPerNet Segformer".split()

CASES = (
    Case("unet", Ronneberger, _image(64)),
    Case("unet-ceil", partial(Ronneberger, ceil=True), _image(64)),
    Case("unet-unpadded", partial(Ronneberger, padding=0, crop="size"), _image(220)),
    Case("unet-unpadded-margin", partial(Ronneberger, padding=0, crop="margin"), _image(220)),
    Case("stem", Stemmed, _image(64), quick=True),
    Case("stem-without-first-skips", partial(Stemmed, first=2), _image(64), quick=True),
    Case("audio", Audio, (1, 1, 212), quick=True),
    Case("wave-u-net", WaveUNet, (1, 1, 64), quick=True),
    Case("conv-tasnet", Masking, (1, 1, 160), quick=True),
    Case("pixel-unshuffle", Unshuffled, _image(32), quick=True),
    Case("patch-merging", Merging, _image(64), quick=True),
    Case("volume-with-norm", Normed, (1, 1, 8, 16, 16)),
    Case("symmetric", Symmetric, (1, 1, 32, 32)),
    Case("sequence", Sequence, (1, 16), quick=True, ids=True),
    *(Case(f"smp-{name}", partial(_smp, name), _image(128)) for name in _CHECKING),
    Case("smp-Unet", partial(_smp, "Unet"), _image(64)),
    Case("smp-Unet-vgg11", partial(_smp, "Unet", "vgg11"), _image(64)),
    Case("smp-Linknet-mobilenet", partial(_smp, "Linknet", "mobilenet_v2"), _image(64)),
    *(
        Case(f"smp-{name}-unchecked", partial(_smp, name, checked=False), _image(64))
        for name in ("UnetPlusPlus", "FPN", "Linknet", "DeepLabV3Plus")
    ),
    Case("fcn", lambda: FCN(_backbone({"layer4": "out"}), FCNHead(512, 5)), _image(64)),
    Case("deeplabv3", lambda: DeepLabV3(_backbone({"layer4": "out"}), DeepLabHead(512, 5)), _image(64)),
    Case("lraspp", lambda: LRASPP(_backbone({"layer1": "low", "layer4": "high"}), 64, 512, 5), _image(64)),
    Case("vgg11", torchvision.models.vgg11, _image(64)),
    Case("alexnet", torchvision.models.alexnet, _image(96)),
    Case("squeezenet", torchvision.models.squeezenet1_1, _image(64)),
    Case("vit", lambda: torchvision.models.VisionTransformer(224, 32, 2, 2, 32, 64), _image(224)),
    Case("swin", lambda: torchvision.models.SwinTransformer([4, 4], 12, [1, 1], [2, 4], [7, 7]), _image(64)),
    Case("timm-vit", lambda: timm.create_model("vit_tiny_patch16_224", depth=2), _image(224)),
    Case(
        "timm-vit-dynamic",
        lambda: timm.create_model("vit_tiny_patch16_224", depth=1, dynamic_img_size=True),
        _image(224),
    ),
    Case("timm-swin", lambda: timm.create_model("swin_tiny_patch4_window7_224", depths=[1] * 4), _image(224)),
)
