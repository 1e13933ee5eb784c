"""SKL205 beyond its own examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from skiplint_rules.degenerate_skip import DegenerateSkip
from torch import Tensor, nn
from torch.nn import functional

from skiplint.testing import findings_of

Join = Callable[[Tensor, Tensor], Tensor]
POSITIONS = torch.arange(4.0)


class Joined(nn.Module):
    """What ``join`` makes of a branch and its input."""

    def __init__(self, join: Join) -> None:
        super().__init__()
        self.stem = nn.Linear(4, 4)
        self.branch = nn.Linear(4, 4)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.join(self.branch(x), x)


def added_twice(out: Tensor, x: Tensor) -> Tensor:
    out += x
    out += x
    return out


BAD: dict[str, Join] = {
    "the branch with itself": lambda out, x: out + out,
    "the input with itself": lambda out, x: x + x,
    "torch.add": lambda out, x: torch.add(out, out),
    "in place": lambda out, x: out.add_(out),
    "minus itself": lambda out, x: out - out,
    "the shortcut twice": lambda out, x: out + x + x,
    "the shortcut twice in place": added_twice,
    "concatenated twice": lambda out, x: torch.cat([out, x, x], dim=-1),
    "a copy of the input": lambda out, x: x + x.clone(),
    "a sum of one": lambda out, x: sum([out, out]),  # type: ignore[return-value]
    "dropout alone": lambda out, x: out + functional.dropout(out, 0.1),
    "an activation alone": lambda out, x: x + torch.relu(x),
    "a norm alone": lambda out, x: functional.layer_norm(x, (4,)) + x,
    "all three alone": lambda out, x: x + functional.dropout(torch.tanh(functional.layer_norm(x, (4,))), 0.1),
    "the shortcut twice as copies": lambda out, x: out + x + x.contiguous().clone(),
    "and taken away again": lambda out, x: out + x - x,
}
GOOD: dict[str, Join] = {
    "a residual": lambda out, x: out + x,
    "in place": lambda out, x: out.add_(x),
    "doubled on purpose": lambda out, x: 2 * out + x,
    "squared": lambda out, x: out * out + x,
    "repeated channels": lambda out, x: torch.cat([out, out], dim=-1),
    "a straight-through estimator": lambda out, x: x + (torch.round(x) - x).detach(),
    "another one": lambda out, x: out - x.detach() + x,
    "detached": lambda out, x: x + x.detach(),
    "a sharpened one": lambda out, x: x + (x - functional.avg_pool1d(x, 3, 1, 1)),
    "a sharpened one by a layer": lambda out, x: x + (x - out),
    "pooling": lambda out, x: x + (functional.avg_pool1d(y := functional.layer_norm(x, (4,)), 3, 1, 1) - y),
    "Fourier mixing": lambda out, x: x + torch.fft.fft(torch.fft.fft(x, dim=-1), dim=0).real,
    "a rotation": lambda out, x: x * torch.cos(POSITIONS) + torch.cat([-x[:, 2:], x[:, :2]], -1) * POSITIONS,
    "a shift": lambda out, x: x + 0.3 * (x.roll(1, 0) - x),
    "a self-gate": lambda out, x: x + x * torch.sigmoid(out),
    "a norm by hand": lambda out, x: (x - x.mean(-1, True)) / (x.var(-1, keepdim=True) + 1e-6).sqrt() + out,
    "symmetrised": lambda out, x: (y := out.T @ out) + y.transpose(0, 1),
    "halves": lambda out, x: torch.cat([out, x], -1)[:, :4] + torch.cat([out, x], -1)[:, 4:],
    "a leaky unit": lambda out, x: torch.relu(out) + 0.1 * out,
    "two joins of one input": lambda out, x: torch.relu(out + x) + x,
}


@pytest.mark.parametrize("join", BAD.values(), ids=BAD.keys())
def test_found_once(join: Join) -> None:
    findings = findings_of(DegenerateSkip(), Joined(join), torch.randn(2, 4))
    assert [finding.code for finding in findings] == ["SKL205"]


@pytest.mark.parametrize("join", GOOD.values(), ids=GOOD.keys())
def test_silent(join: Join) -> None:
    assert findings_of(DegenerateSkip(), Joined(join), torch.randn(2, 4)) == []


def test_what_is_no_feature_is_no_matter() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor, position: Tensor) -> Tensor:
            return self.fc(x + (position + position))

    assert findings_of(DegenerateSkip(), Positions(), torch.randn(2, 4), torch.randn(2, 4)) == []


class RootMeanSquare(nn.Module):
    """A norm by hand, which adds its input if it is ``global_response``."""

    def __init__(self, *, global_response: bool) -> None:
        super().__init__()
        self.weight, self.global_response = nn.Parameter(torch.ones(4)), global_response

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        out = self.weight * (centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-6))
        return x + out if self.global_response else out


@pytest.mark.parametrize(
    ("global_response", "added", "found"), [(True, False, 0), (False, True, 1), (False, False, 0)]
)
def test_a_norm_by_hand(global_response: bool, added: bool, found: int) -> None:
    norm = RootMeanSquare(global_response=global_response)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.fc = norm, nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = self.fc(x)
            return x + self.norm(x) if added else self.norm(x)

    assert len(findings_of(DegenerateSkip(), Block(), torch.randn(2, 4))) == found
