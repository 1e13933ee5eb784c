"""SKL206 says of every in-place operation what a real backward pass says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from skiplint_rules import inplace_autograd
from skiplint_rules.inplace_autograd import InplaceAutograd
from torch import Tensor, nn

import skiplint
from skiplint.testing import findings_of

MAKERS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "relu_": lambda y: y.relu_(),
    "sigmoid": torch.sigmoid,
    "softmax": lambda y: y.softmax(1),
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
    "silu_": lambda y: nn.functional.silu(y, inplace=True),
    "leaky_relu_": lambda y: nn.functional.leaky_relu(y, 0.1, inplace=True),
    "exp": torch.exp,
    "avg_pool": lambda y: nn.functional.avg_pool2d(y, 3, 1, 1),
    "layer_norm": lambda y: nn.functional.layer_norm(y, y.shape[2:]),
    "add": lambda y: y + 1,
    "square": lambda y: y * y,
    "view": lambda y: torch.sigmoid(y).view(y.shape),
    "clone": lambda y: torch.sigmoid(y).clone(),
}
WRITERS: dict[str, Callable[[Tensor, Tensor], object]] = {
    "add_": lambda y, x: y.add_(x),
    "relu_": lambda y, x: y.relu_(),
    "mul_": lambda y, x: y.mul_(0.5),
    "setitem": lambda y, x: y.__setitem__((slice(None), 0), 0.0),
}


class Block(nn.Module):
    def __init__(self, make: Callable[[Tensor], Tensor], write: Callable[[Tensor, Tensor], object]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.make, self.write = make, write

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y = self.make(self.conv(x))
        self.write(y, x)
        return y


def really_fails(model: nn.Module, image: Tensor) -> bool:
    try:
        model(image).sum().backward()
    except RuntimeError as error:
        return "modified by an inplace operation" in str(error)
    return False


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("make", MAKERS)
def test_it_agrees_with_torch(make: str, write: str) -> None:
    model = nn.Sequential(Block(MAKERS[make], WRITERS[write]))
    image = torch.randn(1, 2, 4, 4)
    with torch.device("meta"):
        bare = nn.Sequential(Block(MAKERS[make], WRITERS[write]))
    fails = really_fails(model, image)
    assert bool(findings_of(InplaceAutograd(), model, image)) == fails
    assert bool(findings_of(InplaceAutograd(), bare, image)) == fails, "and without weights"


class Hidden(nn.Module):
    """The second layer has read what is changed afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        y = self.second(hidden)
        hidden += 1
        hidden.mul_(2)
        y: Tensor = y + hidden
        return y


def test_one_finding_for_the_first_write_that_breaks_it() -> None:
    (finding,) = findings_of(InplaceAutograd(), Hidden(), torch.randn(1, 4))
    assert finding.node == "add_"
    assert finding.message == (
        "add_ (add_) overwrites what second (linear) keeps for its gradient (what it read), "
        "so the backward pass fails"
    )


class WithoutGradients(Hidden):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            features = super().forward(x)
        return self.first(features)


def test_what_runs_without_gradients_breaks_nothing() -> None:
    assert findings_of(InplaceAutograd(), WithoutGradients(), torch.randn(1, 4)) == []


def test_what_is_not_trained_breaks_nothing() -> None:
    frozen = Hidden().requires_grad_(False)
    assert findings_of(InplaceAutograd(), nn.Sequential(frozen, nn.Linear(4, 4)), torch.randn(1, 4)) == []


class Ordinary(nn.Module):
    """What stock models do in place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        y = self.norm(self.conv(x)).relu_()
        y = self.norm(self.conv(y))
        y += x
        return y.relu_()


def test_without_a_candidate_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("ran something")

    analysis = skiplint.analyze(Ordinary(), torch.randn(1, 2, 4, 4))
    monkeypatch.setattr(inplace_autograd, "execute", never)
    monkeypatch.setattr(inplace_autograd, "_trains", never)
    assert list(InplaceAutograd().check(analysis)) == []
