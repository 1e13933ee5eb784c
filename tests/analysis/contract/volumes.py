"""A model of volumes whose sizes only fit together."""

from __future__ import annotations

from torch import Tensor, nn


class Normed(nn.Module):
    """Planes are halved in height and width only, and normalised in all three, which wants two positions."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.norm = nn.Conv3d(1, 4, 3, (1, 2, 2), 1), nn.InstanceNorm3d(4)
        self.up = nn.ConvTranspose3d(4, 1, (1, 2, 2), (1, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(self.norm(self.down(x)))
