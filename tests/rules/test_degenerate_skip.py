"""SKL205 beyond its own examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from skiplint_rules.degenerate_skip import DegenerateSkip
from torch import Tensor, nn

from skiplint.testing import findings_of

Join = Callable[[Tensor, Tensor], Tensor]


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
}
GOOD: dict[str, Join] = {
    "a residual": lambda out, x: out + x,
    "in place": lambda out, x: out.add_(x),
    "doubled on purpose": lambda out, x: 2 * out + x,
    "squared": lambda out, x: out * out + x,
    "repeated channels": lambda out, x: torch.cat([out, out], dim=-1),
    "a new value of the same variable": lambda out, x: torch.relu(out) + out,
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
