"""Which faults are told once, and which each by itself."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from skiplint.analysis.faults.recurring import recurring_faults
from skiplint.tracing import trace_call


class Chain(nn.Module):
    """Layers and a loop over them."""

    def __init__(self, step: Callable[[nn.Module, Tensor], Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.layers, self.step = nn.ModuleList(layers), step

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = self.step(layer, x)
        return x


def counts(model: nn.Module, *inputs: Tensor) -> list[int]:
    """How often each fault comes again."""
    graph = trace_call(model.eval(), inputs, {}, recover=True)
    return [each.again for each in recurring_faults(graph)]


IMAGE = torch.zeros(1, 8, 32, 32)


def test_layers_that_fail_in_one_line_are_different_faults():
    unpadded = [nn.Conv2d(8, 8, 3) for _ in range(3)]
    assert counts(Chain(lambda layer, x: x + layer(x), *unpadded), IMAGE) == [0, 0, 0]
    assert counts(Chain(lambda layer, x: layer(x) + x, *unpadded), IMAGE) == [0, 0, 0]
    assert counts(Chain(lambda layer, x: layer(x), *(nn.Linear(9, 8) for _ in range(3))), IMAGE[0]) == [
        0,
        0,
        0,
    ]


def test_a_layer_that_fails_again_is_one_fault():
    unpadded, misfit = nn.Conv2d(8, 8, 3), nn.Linear(9, 32)
    assert counts(Chain(lambda layer, x: x + layer(x), unpadded, unpadded, unpadded), IMAGE) == [2]
    assert counts(Chain(lambda layer, x: layer(x), misfit, misfit), IMAGE) == [1]


def test_a_line_that_crops_too_much_each_time_is_one_fault():
    convs = [nn.Conv2d(8, 8, 3, padding=1) for _ in range(3)]
    assert counts(Chain(lambda layer, x: layer(x) + x[..., 1:-1], *convs), IMAGE) == [2]


def test_crops_by_different_sizes_are_different_faults():
    convs = [nn.Conv2d(8, 8, 3, padding=1) for _ in range(2)]
    by = iter((1, 3))
    assert counts(Chain(lambda layer, x: layer(x) + x[..., next(by) :], *convs), IMAGE) == [0, 0]
