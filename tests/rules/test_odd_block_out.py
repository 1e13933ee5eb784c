"""SKL203: ways to be the odd one, and reasons not to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from skiplint_rules.odd_block_out import OddBlockOut
from torch import Tensor, nn

from skiplint.linting.finding import Finding
from skiplint.testing import findings_of

Join = Callable[[Tensor, Tensor], Tensor]


class Block(nn.Module):
    def __init__(self, join: Join, width: int = 8) -> None:
        super().__init__()
        self.join = join
        self.fc1, self.fc2 = nn.Linear(8, width), nn.Linear(width, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self.fc2(torch.relu(self.fc1(x))), x)


def added(out: Tensor, x: Tensor) -> Tensor:
    return out + x


def plain(out: Tensor, x: Tensor) -> Tensor:
    return out


ODD: dict[str, Join] = {
    "missing": plain,
    "twice": lambda out, x: out + x + x,
    "subtracted": lambda out, x: out - x,
    "concatenated": lambda out, x: torch.cat([out, x], dim=1)[:, :8],
}


def found(blocks: Sequence[nn.Module]) -> list[Finding]:
    return findings_of(OddBlockOut(), nn.Sequential(nn.Linear(8, 8), *blocks), torch.randn(2, 8))


@pytest.mark.parametrize("join", ODD.values(), ids=ODD.keys())
def test_one_of_four(join: Join) -> None:
    findings = found([Block(added), Block(added), Block(join), Block(added)])
    assert len(findings) == 1
    assert findings[0].message.startswith("3 (Block) has ")
    assert findings[0].expected == "additive skip (add of 2) from its input around 2 layers"


def test_one_with_a_skip_among_plain_ones() -> None:
    findings = found([Block(plain), Block(added), Block(plain), Block(plain)])
    assert [finding.expected for finding in findings] == ["no skip"]


SILENT = {
    "all": [Block(added) for _ in range(4)],
    "none": [Block(plain) for _ in range(4)],
    "two of four": [Block(added), Block(plain), Block(added), Block(plain)],
    "two": [Block(added), Block(plain)],
    "another width": [Block(added), Block(added), Block(added), Block(plain, width=4)],
}


@pytest.mark.parametrize("blocks", SILENT.values(), ids=SILENT.keys())
def test_silent(blocks: list[nn.Module]) -> None:
    assert found(blocks) == []


class Outside(nn.Module):
    """The join is in the stage, not in the blocks."""

    def __init__(self, skipping: Sequence[bool]) -> None:
        super().__init__()
        self.skipping = tuple(skipping)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)) for _ in skipping
        )

    def forward(self, x: Tensor) -> Tensor:
        for block, skips in zip(self.blocks, self.skipping, strict=True):
            x = x + block(x) if skips else block(x)
        return x


def test_a_join_outside_of_the_block() -> None:
    findings = found([Outside([True, True, False, True])])
    assert [finding.message.split()[0] for finding in findings] == ["1.blocks.2"]
    assert found([Outside([True, True, True, True])]) == []


class Plain(Block):
    """Another class, with the same layers."""


def test_a_class_without_the_skip_of_another() -> None:
    blocks = [Block(added), Block(added), Plain(plain), Plain(plain)]
    assert [finding.message.split()[0] for finding in found(blocks)] == ["3", "4"]


def test_the_number_of_siblings_is_an_option() -> None:
    model = nn.Sequential(*(Block(added) for _ in range(3)), Block(plain))
    rule = OddBlockOut(OddBlockOut.Options(siblings=4))
    assert findings_of(rule, model, torch.randn(2, 8)) == []
