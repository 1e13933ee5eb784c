"""The work of finding skips grows with the graph, not with its square."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiplint.analysis.skips import find_skips, forks
from skiplint.tracing import trace

X = torch.zeros(1, 4)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.linear(x))


class Mirrored(nn.Module):
    """A shortcut from every block of the first half to its mirror image in the second."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.first = nn.ModuleList(nn.Linear(4, 4) for _ in range(blocks))
        self.second = nn.ModuleList(nn.Linear(8, 4) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        kept = [x := F.relu(layer(x)) for layer in self.first]
        for layer in self.second:
            x = F.relu(layer(torch.cat([x, kept.pop()], 1)))
        return x


class Dense(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4 * (i + 1), 4) for i in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


def visits(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> int:
    """Operations that the sweeps look at."""
    seen: list[int] = []
    visit = forks._Sweep._visit
    with monkeypatch.context() as patch:
        patch.setattr(forks._Sweep, "_visit", lambda sweep, index: (seen.append(index), visit(sweep, index)))
        assert find_skips(trace(model, X))
    return len(seen)


@pytest.mark.parametrize(
    "family",
    [lambda n: nn.Sequential(nn.Linear(4, 4), *(Residual() for _ in range(n))), Mirrored, Dense],
    ids=["residual", "mirrored", "dense"],
)
def test_twice_the_network_takes_twice_the_visits(
    family: Callable[[int], nn.Module], monkeypatch: pytest.MonkeyPatch
):
    small, large = (visits(family(size), monkeypatch) for size in (20, 40))
    assert large <= 2.2 * small
