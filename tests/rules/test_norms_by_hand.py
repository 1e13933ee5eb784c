"""Norms that are written out: their arithmetic is no skip, and their result is that of a norm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import skiplint
from skiplint.settings.settings import Settings

Norm = Callable[[Tensor, Tensor, Tensor], Tensor]


def squares(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * gain + shift


def deviation(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    return gain * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + shift


def at_once(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    variance, mean = torch.var_mean(x, -1, keepdim=True)
    return torch.addcmul(shift, (x - mean) * torch.rsqrt(variance + 1e-5), gain)


def in_place(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True)
    x = x - mean
    x /= torch.sqrt(variance + 1e-5)
    x *= gain
    x += shift
    return x


def of_batch(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5) * gain + shift


def summed(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    mean = torch.einsum("bd->b", x)[:, None] / 8
    variance = ((x - mean) ** 2).sum(-1, keepdim=True) / 8
    return (x - mean) / (variance + 1e-5) ** 0.5 * gain + shift


def from_moments(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = (x * x).mean(-1, keepdim=True) - mean * mean
    return (x - mean) * (variance + 1e-5).rsqrt() * gain + shift


def root_mean_square(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    wide = x.float()
    return gain * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)).type_as(x)


def length(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    return x / (x.norm(2, dim=-1, keepdim=True) * 8**-0.5 + 1e-6) * gain


def direction(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    return functional.normalize(x, dim=-1) * 8**0.5 * gain


NORMS: tuple[Norm, ...] = (
    squares,
    deviation,
    at_once,
    in_place,
    of_batch,
    summed,
    from_moments,
    root_mean_square,
    length,
    direction,
)
SETTINGS = Settings(select=("SKL2", "SKL3"))


class Written(nn.Module):
    """A norm as a module of its own."""

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        self.norm = norm
        self.gain, self.shift = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x, self.gain, self.shift)


class Block(nn.Module):
    """A block whose norms are modules, or lines of its own beside its matrix products."""

    def __init__(self, norm: Norm, order: str, *, inline: bool) -> None:
        super().__init__()
        self.order = order
        self.w1, self.w2, self.w3 = (nn.Parameter(torch.randn(8, 8) / 8) for _ in range(3))
        self.gain, self.shift = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))
        self.position = nn.Parameter(torch.randn(8))
        if inline:
            self.norm1 = self.norm2 = lambda x: norm(x, self.gain, self.shift)
        else:
            self.norm1, self.norm2 = Written(norm), Written(norm)

    def branch(self, x: Tensor) -> Tensor:
        return functional.gelu(x @ self.w1) @ self.w2

    def forward(self, x: Tensor) -> Tensor:
        match self.order:
            case "pre":
                return x + self.branch(self.norm1(x))
            case "post":
                return self.norm1(x + self.branch(x))
            case "around":
                return x + self.norm2(self.branch(self.norm1(x)))
            case "position":
                x = x + self.position
                return x + self.branch(self.norm1(x))
            case "scaled":
                normed = self.norm1(x)
                return 2 * normed + self.branch(normed)
            case "no skip":
                return self.branch(self.norm1(x))
            case "after the norm":
                normed = self.norm1(x)
                return normed + self.branch(normed)
        x = x + self.norm1(x) @ self.w3
        normed = self.norm2(x)
        return normed + self.branch(normed)


ORDERS: dict[str, tuple[int, list[str]]] = {
    "pre": (1, []),
    "post": (1, []),
    "around": (1, []),
    "position": (1, []),
    "scaled": (1, []),
    "no skip": (0, []),
    "after the norm": (1, ["SKL204"]),
    "half after the norm": (2, ["SKL204"]),
}
"""For each order the skips of one block, and what there is to find in one."""


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "module"])
@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: norm.__name__)
def test_a_norm_by_hand_is_a_norm(norm: Norm, inline: bool) -> None:
    for order, (joins, codes) in ORDERS.items():
        blocks = [Block(norm, order, inline=inline) for _ in range(3)]
        model = nn.Sequential(nn.Linear(4, 8), *blocks, nn.Linear(8, 2))
        report = skiplint.lint(model, torch.randn(4, 4), settings=SETTINGS)
        assert [finding.code for finding in report.findings] == 3 * codes, order
        skips = report.models[0].skips
        assert [skip.kind for skip in skips] == 3 * joins * ["additive"], order
