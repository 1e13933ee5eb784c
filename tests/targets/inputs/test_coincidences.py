"""Sizes that only fit by chance are no inputs; sizes that a model needs are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skiplint.targets import ModelTarget, TargetError, build, find_inputs
from skiplint.targets.inputs.solving import proposals
from skiplint.targets.records import Constructor
from tests.targets.conftest import trial
from tests.targets.inputs.test_inferred_inputs import inputs_of, shapes


class PositionTable(nn.Module):
    """64 x 64 patches of 16 pixels: 1024 pixels. A single patch, at 28 pixels, is repeated 64 x 64 times."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 16, 16)
        self.table = nn.Parameter(torch.zeros(1, 64, 64, 8))

    def forward(self, x: Tensor) -> Tensor:
        return self.patch(x).permute(0, 2, 3, 1) + self.table


class OneToken(nn.Module):
    """Patches of 16 steps of a series, 12 of them: at 16 steps one patch is repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Conv1d(7, 8, 16, 16)
        self.table = nn.Parameter(torch.zeros(1, 12, 8))

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x.transpose(1, 2)).transpose(1, 2) + self.table


class ClassToken(nn.Module):
    """(160 / 16)^2 patches and a class token."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 16, 16)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.table = nn.Parameter(torch.zeros(1, 101, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.table


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (PositionTable, [[1, 3, 1024, 1024]]),
        (OneToken, [[1, 192, 7]]),
        (ClassToken, [[1, 3, 160, 160]]),
    ],
)
def test_a_table_of_positions_gives_the_size(make: type[nn.Module], expected: list[Any]) -> None:
    assert shapes(inputs_of(make)) == expected


class Pooled(nn.Module):
    """``keepdim=True`` is forgotten: the pooled vector lies along the width, which has as many pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y + y.mean(dim=(2, 3))


class PooledSequence(nn.Module):
    """The same on tokens, where the usual length and the width happen to be 16."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x).transpose(1, 2)
        return y * y.mean(dim=2)


class Turned(nn.Module):
    """Channels last meets channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y + y.permute(0, 2, 3, 1)


@pytest.mark.parametrize("channels", [8, 32, 64, 224, 256])
def test_a_forgotten_axis_is_not_hidden_by_as_many_pixels_as_channels(channels: int) -> None:
    with pytest.raises(TargetError) as raised:
        inputs_of(lambda: Pooled(channels))
    assert raised.value.attempt is not None
    side = raised.value.attempt.args[0].shape[-1]
    assert side != channels


def test_axes_in_another_order_are_not_hidden_by_a_cube() -> None:
    with pytest.raises(TargetError) as raised:
        inputs_of(Turned)
    assert raised.value.attempt is not None
    assert shapes(raised.value.attempt) == [[1, 3, 224, 224]]


def test_a_usual_length_that_equals_the_width_hides_nothing() -> None:
    with pytest.raises(TargetError):
        inputs_of(lambda: nn.Sequential(PooledSequence()))


class Fixed(nn.Module):
    """An image of 28 x 28 is joined to one that a linear layer makes: the size is meant."""

    def __init__(self) -> None:
        super().__init__()
        self.label = nn.Embedding(10, 28 * 28)
        self.conv = nn.Conv2d(2, 8, 3, padding=1)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.conv(torch.cat([x, self.label(label).view(-1, 1, 28, 28)], 1))


class Square(nn.Module):
    """Needs as many rows as columns, at every size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y + y.transpose(2, 3)


class Distances(nn.Module):
    """Each feature against five centres: the axis of size 1 is made on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.zeros(5))
        self.fc = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        return (self.fc(x).unsqueeze(-1) - self.centres).square()


class Autoencoder(nn.Module):
    """The reconstruction is compared with the image: 32 pixels, and no other size."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Linear(3 * 32 * 32, 16)
        self.up = nn.Linear(16, 3 * 32 * 32)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.down(x.flatten(1))).view(-1, 3, 32, 32) - x


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (Fixed, [[1, 1, 28, 28], [1]]),
        (Square, [[1, 3, 224, 224]]),
        (Distances, [[1, 12]]),
        (Autoencoder, [[1, 3, 32, 32]]),
    ],
)
def test_sizes_that_are_meant_are_no_coincidence(make: type[nn.Module], expected: list[Any]) -> None:
    assert shapes(inputs_of(make)) == expected


class Named(nn.Module):
    """The size is only an attribute: forward checks nothing."""

    def __init__(self, **sizes: Any) -> None:
        super().__init__()
        vars(self).update(sizes)
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"img_size": 384}, [1, 3, 384, 384]),
        ({"image_size": (256, 128)}, [1, 3, 256, 128]),
        ({"config": {"input_resolution": 96}}, [1, 3, 96, 96]),
        ({"size": 3}, [1, 3, 224, 224]),  # a kernel, and no image
    ],
)
def test_a_size_in_an_attribute_is_tried_first(sizes: dict[str, Any], expected: list[int]) -> None:
    assert shapes(inputs_of(lambda: Named(**sizes))) == [expected]


class Judge(nn.Module):
    """The size is only an argument; the last kernel covers what the strides leave of it."""

    def __init__(self, image_size: int = 128) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 16, stride=16)
        self.last = nn.Conv2d(8, 5, image_size // 16)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.stem(x))
        return y.view(y.size(0), 5)


def test_a_size_that_only_the_constructor_knows_is_tried_first() -> None:
    constructor = Constructor("Judge", Judge, Path("judge.py"), {})
    target = ModelTarget("judge.py:Judge", "Judge", None, None, Judge, constructor=constructor)
    model = build(target).model
    assert shapes(find_inputs(model, target, runs=trial(model))) == [[1, 3, 128, 128]]


def test_a_size_is_worked_out_from_two_failures() -> None:
    # 14 patches at 224 and 16 at 256: 64 patches at 1024.
    assert next(proposals([(224, (14, 64)), (256, (16, 64))])) == 1024
    # 16 * 53^2 values at 224 and 16 * 61^2 at 256; 16 * 5^2 at 32, since each is (size - 12) / 4.
    assert 32 in list(proposals([(224, (16 * 53 * 53, 400)), (256, (16 * 61 * 61, 400))]))
    # Both numbers change: nothing is to be met.
    assert list(proposals([(224, (222, 224)), (256, (254, 256))])) == []
