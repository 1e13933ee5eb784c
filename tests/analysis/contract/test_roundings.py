"""Which joins can depend on the size is told from the graph, by arithmetic that agrees with torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from skiplint.analysis.contract.axes import free_axes
from skiplint.analysis.contract.roundings import courses_of, joins_may_depend, turned
from skiplint.analysis.flow import feature_flow
from skiplint.tracing import trace

LAYERS = [
    nn.Conv2d(3, 4, 3),
    nn.Conv2d(3, 4, 3, stride=2, padding=1),
    nn.Conv2d(3, 4, (3, 5), stride=(2, 3), padding=(0, 2), dilation=2),
    nn.Conv2d(3, 4, 3, padding="same"),
    nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1),
    nn.ConvTranspose2d(3, 4, 5, stride=3, dilation=2),
    nn.MaxPool2d(3, 2, 1),
    nn.MaxPool2d(2, ceil_mode=True),
    nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    nn.MaxPool2d(2, dilation=2),
    nn.AvgPool2d(2),
    nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    nn.Upsample(scale_factor=2),
    nn.Upsample(scale_factor=1.5, mode="bilinear"),
    nn.ReLU(),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("size", [20, 21])
def test_sizes_are_followed_as_torch_makes_them(layer: nn.Module, size: int) -> None:
    graph = trace(layer, torch.rand(1, 3, size, size + 3))
    (courses,) = courses_of(graph, free_axes(feature_flow(graph)))[-2]
    steps = zip(turned(0), turned(1), strict=True)
    made = [tuple(layer(torch.rand(1, 3, size + step, size + 3 + more)).shape) for step, more in steps]
    assert courses[2:] == (tuple(shape[2] for shape in made), tuple(shape[3] for shape in made))


class Mirrored(nn.Module):
    """A map of pairs that is made symmetric."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y + y.transpose(2, 3)


def test_two_axes_that_meet_are_told_apart() -> None:
    graph = trace(Mirrored(), torch.rand(1, 4, 20, 20))
    assert joins_may_depend(graph, free_axes(feature_flow(graph)))


class Shortcut(nn.Module):
    """A strided convolution beside another way to halve."""

    def __init__(self, other: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, stride=2, padding=1)
        self.other = other

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.other(x)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (nn.Conv2d(4, 4, 1, stride=2), False),
        (nn.AvgPool2d(2, ceil_mode=True), False),
        (nn.AvgPool2d(2), True),
        (nn.Conv2d(4, 4, 2, stride=2), True),
    ],
    ids=["projection", "pooling that rounds up", "pooling that rounds down", "even kernel"],
)
def test_a_shortcut_has_to_round_as_its_branch(other: nn.Module, expected: bool) -> None:
    graph = trace(Shortcut(other), torch.rand(1, 4, 32, 32))
    assert joins_may_depend(graph, free_axes(feature_flow(graph))) is expected


def test_slices_with_steps_round_up() -> None:
    class Quarters(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = x.permute(0, 2, 3, 1)
            return self.layer(torch.cat([x[:, ::2, ::2], x[:, 1::2, ::2]], -1))

    graph = trace(Quarters(), torch.rand(1, 4, 8, 8))
    assert joins_may_depend(graph, free_axes(feature_flow(graph)))
