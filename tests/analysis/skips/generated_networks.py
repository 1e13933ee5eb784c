"""Random networks that know their own skips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

WIDTH = 4
Addition = Callable[[Tensor, Tensor], Tensor]
Signature = tuple[str, str, int, int]
"""Kind, shortcut, span and number of connections of one join."""

ADDITIONS: dict[str, Addition] = {
    "operator": lambda x, y: x + y,
    "function": torch.add,
    "method": lambda x, y: y.add(x),
    "in place": lambda x, y: y.add_(x),
    "augmented": lambda x, y: _augmented(x, y),
    "sum": lambda x, y: sum([x, y]),
    "stack": lambda x, y: torch.stack([x, y]).sum(0),
    "subtract": lambda x, y: x - (-y),
}
CONCATENATIONS: dict[str, Callable[[list[Tensor]], Tensor]] = {
    "cat": lambda parts: torch.cat(parts, 1),
    "concat": lambda parts: torch.concat(parts, dim=1),
    "nested": lambda parts: torch.cat([torch.cat(parts[:-1], 1), parts[-1]], dim=-3),
    "slices": lambda parts: _written(parts),
}


def _augmented(x: Tensor, y: Tensor) -> Tensor:
    y += x
    return y


def _written(parts: list[Tensor]) -> Tensor:
    """Concatenates by writing into slices of one buffer."""
    total = sum(part.shape[1] for part in parts)
    buffer = parts[0].new_empty(parts[0].shape[0], total, *parts[0].shape[2:])
    start = 0
    for part in parts:
        buffer[:, start : start + part.shape[1]] = part
        start += part.shape[1]
    return buffer


@dataclass(frozen=True)
class Spelling:
    """How the same network is written down."""

    addition: str = "operator"
    concatenation: str = "cat"
    identity: bool = False
    wrapped: bool = False
    inplace_relu: bool = False
    named: str = "body"


def body(
    layers: int, spelling: Spelling, inside: int = WIDTH, outside: int = WIDTH, stride: int = 1
) -> nn.Module:
    """``layers`` convolutions with a norm and an activation in between."""
    modules: list[nn.Module] = []
    for i in range(layers):
        modules.append(nn.Conv2d(inside if i == 0 else outside, outside, 3, stride if i == 0 else 1, 1))
        if spelling.identity:
            modules.append(nn.Identity())
        if i < layers - 1:
            modules += [nn.BatchNorm2d(outside), nn.ReLU(inplace=spelling.inplace_relu)]
    return nn.Sequential(nn.Sequential(*modules)) if spelling.wrapped else nn.Sequential(*modules)


@dataclass
class Piece:
    """A part of a network, what it does to the width, and the joins it has."""

    build: Callable[[Spelling], nn.Module]
    signatures: list[Signature] = field(default_factory=list)


class Residual(nn.Module):
    def __init__(self, layers: int, projection: bool, spelling: Spelling) -> None:
        super().__init__()
        self.add_module(spelling.named, body(layers, spelling))
        self.shortcut = nn.Conv2d(WIDTH, WIDTH, 1) if projection else nn.Identity()
        self.spelling = spelling

    def forward(self, x: Tensor) -> Tensor:
        return ADDITIONS[self.spelling.addition](self.shortcut(x), getattr(self, self.spelling.named)(x))


class Dense(nn.Module):
    def __init__(self, layers: int, spelling: Spelling) -> None:
        super().__init__()
        self.layers = nn.ModuleList(body(1, spelling, WIDTH * (i + 1)) for i in range(layers))
        self.back, self.spelling = nn.Conv2d(WIDTH * (layers + 1), WIDTH, 1), spelling

    def forward(self, x: Tensor) -> Tensor:
        join, features = CONCATENATIONS[self.spelling.concatenation], [x]
        for layer in self.layers:
            features.append(layer(join(features) if len(features) > 1 else x))
        return self.back(join(features))


class Gated(nn.Module):
    def __init__(self, layers: int, spelling: Spelling) -> None:
        super().__init__()
        self.transform, self.gate, self.spelling = (
            body(layers, spelling),
            nn.Conv2d(WIDTH, WIDTH, 1),
            spelling,
        )

    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate(x).sigmoid()
        return ADDITIONS[self.spelling.addition]((1 - gate) * x, gate * self.transform(x))


class Level(nn.Module):
    """One level of a U-Net around whatever is inside."""

    def __init__(self, inner: nn.Module, spelling: Spelling) -> None:
        super().__init__()
        self.encode, self.inner, self.decode = body(1, spelling), inner, nn.Conv2d(2 * WIDTH, WIDTH, 3, 1, 1)
        self.spelling = spelling

    def forward(self, x: Tensor) -> Tensor:
        x = self.encode(x)
        low = F.interpolate(self.inner(F.max_pool2d(x, 2)), scale_factor=2)
        return self.decode(CONCATENATIONS[self.spelling.concatenation]([x, low]))


def _plain(layers: int) -> Piece:
    return Piece(lambda spelling: body(layers, spelling))


def _residual(layers: int, projection: bool) -> Piece:
    projection = projection and layers > 1
    kind = "projection" if projection else "identity"
    return Piece(lambda s: Residual(layers, projection, s), [("additive", kind, layers, 1)])


def _dense(layers: int) -> Piece:
    signatures: list[Signature] = [("concatenative", "identity", 1, i + 1) for i in range(layers)]
    return Piece(lambda spelling: Dense(layers, spelling), signatures)


def _gated(layers: int) -> Piece:
    return Piece(lambda spelling: Gated(layers, spelling), [("gated", "identity", layers, 1)])


def _chain(pieces: list[Piece]) -> Piece:
    joined = [signature for piece in pieces for signature in piece.signatures]
    return Piece(lambda spelling: nn.Sequential(*(piece.build(spelling) for piece in pieces)), joined)


def _level(inner: Piece) -> Piece:
    def build(spelling: Spelling) -> nn.Module:
        return Level(nn.Sequential(inner.build(spelling), nn.Conv2d(WIDTH, WIDTH, 1)), spelling)

    return Piece(build, [*inner.signatures, ("concatenative", "identity", -1, 1)])


layers = st.integers(1, 3)
pieces: st.SearchStrategy[Piece] = st.recursive(
    st.one_of(
        layers.map(_plain),
        st.builds(_residual, layers, st.booleans()),
        layers.map(_dense),
        layers.map(_gated),
    ),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(_chain) | inner.map(_level),
    max_leaves=6,
)
spellings = st.builds(
    Spelling,
    addition=st.sampled_from(sorted(ADDITIONS)),
    concatenation=st.sampled_from(sorted(CONCATENATIONS)),
    identity=st.booleans(),
    wrapped=st.booleans(),
    inplace_relu=st.booleans(),
    named=st.sampled_from(["body", "skip", "x"]),
)
