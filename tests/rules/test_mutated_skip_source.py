"""SKL201: what is the branch's own write and what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from skiplint_rules.mutated_skip_source import MutatedSkipSource
from torch import Tensor, nn
from torch.nn import functional

from skiplint.testing import findings_of

Forward = Callable[["Block", Tensor], Tensor]


class Block(nn.Module):
    def __init__(self, forward: Forward, *, in_place: bool = True) -> None:
        super().__init__()
        self.how = forward
        self.act = nn.ReLU(inplace=in_place)
        self.norm = nn.BatchNorm1d(8)
        self.fc1, self.fc2 = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.how(self, x)


def module(block: Block, x: Tensor) -> Tensor:
    return block.fc2(block.fc1(block.act(x))) + x


def function(block: Block, x: Tensor) -> Tensor:
    return x + block.fc1(functional.relu(x, inplace=True))


def scaled(block: Block, x: Tensor) -> Tensor:
    out = x.mul_(2)
    return x + block.fc1(out)


def saved_first(block: Block, x: Tensor) -> Tensor:
    identity = x
    x = block.act(x)
    return block.fc1(x) + identity


def concatenated(block: Block, x: Tensor) -> Tensor:
    return torch.cat([x, block.fc2(block.act(x))], dim=1)[:, :8]


def through_a_view(block: Block, x: Tensor) -> Tensor:
    x.view(-1, 8).relu_()
    return x + block.fc2(block.fc1(x))


def past_autograd(block: Block, x: Tensor) -> Tensor:
    x.detach().clamp_(min=0)
    return x + block.fc2(block.fc1(x))


BAD = {
    each.__name__: each
    for each in (module, function, scaled, saved_first, concatenated, through_a_view, past_autograd)
}


def copied(block: Block, x: Tensor) -> Tensor:
    identity = x.clone()
    return block.fc1(block.act(x)) + identity


def own_tensor(block: Block, x: Tensor) -> Tensor:
    x = block.act(block.norm(x))
    return x + block.fc1(x)


def after_the_layer(block: Block, x: Tensor) -> Tensor:
    return x + block.fc2(block.act(block.fc1(x)))


def post_activation(block: Block, x: Tensor) -> Tensor:
    out = block.fc1(x)
    out += x
    return block.act(out)


def joined_in_place(block: Block, x: Tensor) -> Tensor:
    x += block.fc1(x)
    x += block.fc2(x)
    return x


def view_of_a_copy(block: Block, x: Tensor) -> Tensor:
    out = x + 0
    out.view(-1, 8).relu_()
    return x + block.fc2(block.fc1(out))


GOOD = {
    each.__name__: each
    for each in (copied, own_tensor, after_the_layer, post_activation, joined_in_place, view_of_a_copy)
}


def model(forward: Forward, *, in_place: bool = True) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), *(Block(forward, in_place=in_place) for _ in range(2))).eval()


@pytest.mark.parametrize("forward", BAD.values(), ids=BAD.keys())
def test_found_in_each_block(forward: Forward) -> None:
    findings = findings_of(MutatedSkipSource(), model(forward), torch.randn(2, 4))
    assert [finding.code for finding in findings] == ["SKL201"] * 2
    assert all("overwrites the output of" in finding.message for finding in findings)


@pytest.mark.parametrize("forward", GOOD.values(), ids=GOOD.keys())
def test_silent(forward: Forward) -> None:
    assert findings_of(MutatedSkipSource(), model(forward), torch.randn(2, 4)) == []


def test_silent_out_of_place() -> None:
    assert findings_of(MutatedSkipSource(), model(module, in_place=False), torch.randn(2, 4)) == []


def test_the_model_s_own_input_counts() -> None:
    findings = findings_of(MutatedSkipSource(), Block(module), torch.randn(2, 8))
    assert [finding.expected for finding in findings] == ["the model input x as it came in"]


class Encoder(nn.Module):
    """Adds positions in place to what it gets, once, before its blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(8))
        self.blocks = nn.Sequential(Block(after_the_layer), Block(after_the_layer))

    def forward(self, x: Tensor) -> Tensor:
        x += self.positions
        return self.blocks(x)


def test_a_write_before_the_blocks_is_no_branch_s() -> None:
    model = nn.Sequential(nn.Linear(4, 8), Encoder())
    assert findings_of(MutatedSkipSource(), model, torch.randn(2, 4)) == []
