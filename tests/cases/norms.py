"""Shortcuts that start after the norm of the branch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .case import Case

WIDTH = 8


class Sublayers(nn.Module):
    """The two norms and sublayers of a transformer layer; subclasses wire them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 16), nn.GELU(), nn.Linear(16, WIDTH))

    def attend(self, x: Tensor) -> Tensor:
        attended: Tensor = self.attention(x, x, x, need_weights=False)[0]
        return attended


class PreNorm(Sublayers):
    """As it should be."""

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm_attention(x))
        return x + self.mlp(self.norm_mlp(x))


class TrajectoryLayer(Sublayers):
    """The attention's shortcut carries the normalised input."""

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm_attention(x)
        x = normed + self.attend(normed)
        return x + self.mlp(self.norm_mlp(x))


class CompactLayer(Sublayers):
    """The attention is pre-norm; the second norm overwrites the stream."""

    def forward(self, src: Tensor) -> Tensor:
        src = src + self.attend(self.norm_attention(src))
        src = self.norm_mlp(src)
        added = self.mlp(src)
        return src + added


class RNALayer(Sublayers):
    """A language model's layer: one norm before the attention, taken for its shortcut as well."""

    def __init__(self) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def attend(self, x: Tensor) -> Tensor:
        query, key, value = self.query_key_value(x).chunk(3, dim=-1)
        return self.out(nn.functional.scaled_dot_product_attention(query, key, value))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm_attention(x)
        mixed = self.attend(x)
        x = x + mixed
        residual = x
        return residual + self.mlp(self.norm_mlp(x))


class PostNorm(Sublayers):
    """The norm follows the addition, and the next shortcut starts from it: right."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm_attention(x + self.attend(x))
        residual = x
        return self.norm_mlp(residual + self.mlp(x))


def encoder(layer: type[Sublayers]) -> nn.Module:
    return nn.Sequential(nn.Linear(4, WIDTH), nn.LayerNorm(WIDTH), layer(), layer())


def tokens() -> tuple[Tensor, ...]:
    return (torch.randn(2, 5, 4),)


CASES = (
    Case(
        "Howuhh/faster-trajectory-transformer#3",
        "SKL204",
        lambda: encoder(TrajectoryLayer),
        lambda: encoder(PreNorm),
        tokens,
        ("2/add", "3/add"),
    ),
    Case(
        "SHI-Labs/Compact-Transformers#25",
        "SKL204",
        lambda: encoder(CompactLayer),
        lambda: encoder(PreNorm),
        tokens,
        ("2/add_1", "3/add_1"),
    ),
    Case(
        "lbcb-sci/RiNALMo#9",
        "SKL204",
        lambda: encoder(RNALayer),
        lambda: encoder(PreNorm),
        tokens,
        ("2/add", "3/add"),
    ),
    Case("LiyuanLucasLiu/Transformer-Clinic#27", None, lambda: encoder(PostNorm), None, tokens),
)
