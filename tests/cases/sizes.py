"""Decoders whose skips differ in size or are not counted: segmentation_models.pytorch, in small."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .case import Case


class Decoder(nn.Module):
    """Three encoder stages, and a decoder that doubles the size at each."""

    def __init__(self, widths: tuple[int, int, int] = (8, 16, 32), counted: int = 16) -> None:
        super().__init__()
        first, second, third = widths
        self.stem = nn.Conv2d(3, first, 3, stride=2, padding=1)
        self.stage1 = nn.Conv2d(first, second, 3, stride=2, padding=1)
        self.stage2 = nn.Conv2d(second, third, 3, stride=2, padding=1)
        self.block1 = nn.Conv2d(third + counted, 16, 3, padding=1)
        self.block2 = nn.Conv2d(16 + first, 8, 3, padding=1)

    def up(self, x: Tensor, skip: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest")

    def forward(self, image: Tensor) -> Tensor:
        half = torch.relu(self.stem(image))
        quarter = torch.relu(self.stage1(half))
        x = torch.relu(self.stage2(quarter))
        x = torch.cat([self.up(x, quarter), quarter], dim=1)
        x = torch.relu(self.block1(x))
        x = torch.cat([self.up(x, half), half], dim=1)
        return torch.relu(self.block2(x))


class ToTheSkip(Decoder):
    """Resamples to the size of what it is joined with."""

    def up(self, x: Tensor, skip: Tensor) -> Tensor:
        return F.interpolate(x, size=skip.shape[-2:], mode="nearest")


class Pyramid(Decoder):
    """A feature pyramid: lateral 1x1 convolutions, and additions in place of concatenations."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(width, 16, 1) for width in (8, 16, 32))

    def forward(self, image: Tensor) -> Tensor:
        half = torch.relu(self.stem(image))
        quarter = torch.relu(self.stage1(half))
        x = self.lateral[2](torch.relu(self.stage2(quarter)))
        x = self.up(x, quarter) + self.lateral[1](quarter)
        return self.up(x, half) + self.lateral[0](half)


class PyramidToTheSkip(Pyramid):
    def up(self, x: Tensor, skip: Tensor) -> Tensor:
        return F.interpolate(x, size=skip.shape[-2:], mode="nearest")


def image(height: int, width: int) -> Callable[[], tuple[Tensor, ...]]:
    return lambda: (torch.zeros(1, 3, height, width),)


CASES = (
    Case(
        source="qubvel/segmentation_models.pytorch#57",
        code="SKL101",
        before=Decoder,
        after=ToTheSkip,
        inputs=image(100, 100),  # 50, 25, 13
        joins=("cat",),
    ),
    Case(
        source="qubvel/segmentation_models.pytorch#93",
        code="SKL101",
        before=Pyramid,
        after=PyramidToTheSkip,
        inputs=image(180, 320),  # 90, 45, 23 in height
        joins=("add",),
    ),
    Case(
        source="qubvel/segmentation_models.pytorch#196",
        code="SKL101",
        before=Decoder,
        after=ToTheSkip,
        inputs=image(250, 250),  # 125, 63, 32: both joins are off by one
        joins=("cat", "cat_1"),
    ),
    Case(
        source="qubvel/segmentation_models.pytorch#548",
        code="SKL101",
        before=Decoder,
        after=ToTheSkip,
        inputs=image(64, 100),  # the width alone
        joins=("cat",),
    ),
    Case(
        source="qubvel/segmentation_models.pytorch#617",
        code="SKL102",
        before=lambda: Decoder(counted=24),
        after=Decoder,
        inputs=image(64, 64),
        joins=("block1",),
    ),
)
