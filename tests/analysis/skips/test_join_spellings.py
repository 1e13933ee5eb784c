"""Every way to write a join gives the same skip."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.ao.nn.quantized import FloatFunctional

from skiplint.analysis.skips import Skip
from tests.analysis.skips.skip_counts import skips_of

IMAGE = torch.zeros(2, 8, 16, 16)

Function = Callable[[Tensor, Tensor], Tensor]


class Joined(nn.Module):
    """``x`` and two convolutions of it, joined by ``function``, between convolutions."""

    def __init__(self, function: Function, out: int = 8) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(8, 8, 1), nn.Conv2d(out, 4, 1)
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(self.function(x, self.body(x)))


def only_skip(function: Function, out: int = 8) -> Skip:
    (skip,) = skips_of(Joined(function, out), IMAGE)
    return skip


def in_place(x: Tensor, y: Tensor) -> Tensor:
    y += x
    return y


def into_out(x: Tensor, y: Tensor) -> Tensor:
    return torch.add(x, y, out=torch.empty_like(x))


ADDITIVE: dict[str, Function] = {
    "x + y": lambda x, y: x + y,
    "y + x": lambda x, y: y + x,
    "y += x": in_place,
    "torch.add": torch.add,
    "torch.add(out=)": into_out,
    "Tensor.add_": lambda x, y: y.add_(x),
    "x - y": lambda x, y: x - y,
    "torch.sub": torch.sub,
    "torch.rsub": torch.rsub,
    "sum of a list": lambda x, y: sum([x, y]),
    "stack, sum": lambda x, y: torch.stack([x, y]).sum(0),
    "stack, mean": lambda x, y: torch.stack([x, y], dim=-1).mean(-1),
    "stack, sum(dim=)": lambda x, y: torch.sum(torch.stack((x, y), dim=1), dim=1),
    "where": lambda x, y: torch.where(torch.ones(1, dtype=torch.bool, device=x.device), x, y),
    "FloatFunctional": lambda x, y: FloatFunctional().add(x, y),
    "FloatFunctional.add_relu": lambda x, y: FloatFunctional().add_relu(x, y),
    "aten": lambda x, y: torch.ops.aten.add.Tensor(x, y),
}


@pytest.mark.parametrize("spelling", ADDITIVE)
def test_additive(spelling: str):
    skip = only_skip(ADDITIVE[spelling])
    assert (skip.kind, skip.shortcut, skip.span, skip.scale) == ("additive", "identity", 2, None)
    assert len(skip.operands) == 2


SCALED: dict[str, Function] = {
    "alpha": lambda x, y: torch.add(x, y, alpha=0.5),
    "factor": lambda x, y: x + 0.1 * y,
    "quotient": lambda x, y: (x / 2) + y,
    "addcmul": lambda x, y: torch.addcmul(x, y, torch.full((1,), 0.5, device=x.device)),
    "lerp": lambda x, y: torch.lerp(x, y, 0.5),
}


@pytest.mark.parametrize("spelling", SCALED)
def test_scaled(spelling: str):
    skip = only_skip(SCALED[spelling])
    assert (skip.kind, skip.shortcut, skip.scale) == ("additive", "identity", "constant")


def test_baddbmm_adds_its_first_operand():
    class Batched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.weight = nn.Linear(16, 16), nn.Parameter(torch.zeros(2, 16, 16))

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            return torch.baddbmm(x, F.relu(self.first(x)), self.weight)

    (skip,) = skips_of(Batched(), torch.zeros(2, 6, 16))
    assert (skip.kind, skip.shortcut) == ("additive", "identity")


def buffered(x: Tensor, y: Tensor) -> Tensor:
    buffer = x.new_empty(x.shape[0], 16, *x.shape[2:])
    buffer[:, :8], buffer[:, 8:] = x, y
    return buffer


def copied(x: Tensor, y: Tensor) -> Tensor:
    buffer = torch.zeros(x.shape[0], 16, *x.shape[2:], device=x.device)
    buffer.narrow(1, 0, 8).copy_(x)
    buffer.narrow(1, 8, 8).copy_(y)
    return buffer


CONCATENATIVE: dict[str, Function] = {
    "cat": lambda x, y: torch.cat([x, y], 1),
    "cat(dim=-3)": lambda x, y: torch.cat((y, x), dim=-3),
    "concat": lambda x, y: torch.concat([x, y], dim=1),
    "concatenate": lambda x, y: torch.concatenate([x, y], dim=1),
    "hstack": lambda x, y: torch.hstack([x, y]),
    "stack, flatten": lambda x, y: torch.stack([x, y], 1).flatten(1, 2),
    "pad and add": lambda x, y: F.pad(x, (0, 0, 0, 0, 0, 8)) + F.pad(y, (0, 0, 0, 0, 8, 0)),
    "slices of a buffer": buffered,
    "copies into views": copied,
    "FloatFunctional": lambda x, y: FloatFunctional().cat([x, y], 1),
}


@pytest.mark.parametrize("spelling", CONCATENATIVE)
def test_concatenative(spelling: str):
    skip = only_skip(CONCATENATIVE[spelling], out=16)
    assert (skip.kind, skip.shortcut, skip.span) == ("concatenative", "identity", 2)
    assert len(skip.operands) == 2


def test_a_partial_convolution_writes_into_a_copy_of_its_input():
    def partial(x: Tensor, y: Tensor) -> Tensor:
        x = x.clone()
        x[:, :4] = y[:, :4]
        return x

    assert only_skip(partial).kind == "concatenative"


def test_an_update_of_a_slice_is_one_sum():
    """``x[:, :4] += y`` adds; that the sum is stored back is no second join."""

    def update(x: Tensor, y: Tensor) -> Tensor:
        x = x.clone()
        x[:, :4] += y[:, :4]
        return x

    assert only_skip(update).kind == "additive"


def test_three_operands_in_one_join():
    class Three(Joined):
        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            return self.head(self.function(x, self.body(x), self.body(F.relu(x))))

    for function in (lambda x, a, b: x + a + b, lambda x, a, b: a + (b + x), lambda x, a, b: sum((x, a, b))):
        (skip,) = skips_of(Three(function), IMAGE)
        assert (len(skip.operands), len(skip.connections)) == (3, 1)
    for function in (
        lambda x, a, b: torch.cat([torch.cat([x, a], 1), b], 1),
        lambda x, a, b: torch.cat([x, torch.cat([a, b], 1)], 1),
    ):
        (skip,) = skips_of(Three(function, 24), IMAGE)
        assert (len(skip.operands), len(skip.connections)) == (3, 1)


def test_windows_merged_by_fold():
    class Folded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.inner = nn.Conv2d(8, 8, 1), nn.Linear(8 * 16, 8 * 16)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            windows = F.unfold(x, 4, stride=4).transpose(1, 2)
            return x + F.fold(self.inner(windows).transpose(1, 2), x.shape[2:], 4, stride=4)

    (skip,) = skips_of(Folded(), IMAGE)
    assert (skip.kind, skip.span) == ("additive", 1)


def test_a_join_of_two_unrelated_inputs_is_none():
    class Two(Joined):
        def forward(self, x: Tensor, z: Tensor) -> Tensor:
            return self.head(self.stem(x) + self.body(z))

    assert skips_of(Two(torch.add), IMAGE, IMAGE.clone()) == ()
