"""Behind a call that fails on shapes the trace goes on: all faults of a run, and none that only follow."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import skiplint
from skiplint.graph import ModelGraph
from skiplint.tracing import TraceError, recovered, trace, trace_call
from skiplint.tracing.recovery import repair
from skiplint.tracing.recovery.repair import World

IMAGE = torch.zeros(1, 8, 32, 32)


def faults_of(model: nn.Module, *inputs: Tensor) -> list[tuple[str, str]]:
    """Where the faults are, and of what kind."""
    graph = trace_call(model.eval(), inputs, {}, recover=True)
    return [(graph.operations[fault.operation].id, fault.kind) for fault in graph.faults]


class Block(nn.Module):
    """A residual block; ``fault`` leaves out what makes it right."""

    def __init__(self, inside: int, outside: int, stride: int, fault: str | None) -> None:
        super().__init__()
        changed = inside != outside or stride != 1
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 0 if fault == "padding" else 1)
        self.norm = nn.BatchNorm2d(outside * 2 if fault == "norm" else outside)
        self.conv2 = nn.Conv2d(outside + 1 if fault == "channels" else outside, outside, 3, 1, 1)
        projected = changed and fault != "projection"
        self.shortcut = nn.Conv2d(inside, outside, 1, stride) if projected else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(F.relu(self.norm(self.conv1(x)))) + self.shortcut(x))


FOUND_AT = {
    "padding": ("add", "join"),
    "projection": ("add", "join"),
    "norm": ("norm", "layer"),
    "channels": ("conv2", "layer"),
}
faults = st.sampled_from([None, *FOUND_AT])


@settings(max_examples=40, deadline=None)
@example([(16, 1, None), (16, 2, "projection"), (16, 2, "padding"), (16, 2, "projection")])
@given(st.lists(st.tuples(st.sampled_from([8, 16]), st.sampled_from([1, 2]), faults), min_size=1, max_size=6))
def test_every_planted_fault_of_a_resnet_and_no_other(plan: list[tuple[int, int, str | None]]):
    blocks, expected, width = [], [], 8
    for place, (outside, stride, planted) in enumerate(plan):
        needless = planted == "projection" and width == outside and stride == 1
        fault = None if needless else planted
        blocks.append(Block(width, outside, stride, fault))
        width = outside
        if fault is not None:
            name, kind = FOUND_AT[fault]
            expected.append((f"{place}.{name}" if kind == "layer" else f"{place}/{name}", kind))
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))
    assert faults_of(model, torch.zeros(1, 8, 512, 512)) == expected


class UNet(nn.Module):
    """Three levels; ``wrong`` levels count the channels of their concatenation wrongly."""

    def __init__(self, wrong: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.bottom = nn.Conv2d(8, 8, 3, padding=1)
        self.up = nn.ModuleList(nn.Conv2d(8 if i in wrong else 16, 8, 3, padding=1) for i in range(3))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.down:
            skips.append(x := F.relu(down(x)))
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up in self.up:
            x = F.relu(up(torch.cat([F.interpolate(x, scale_factor=2), skips.pop()], 1)))
        return x


def test_channels_that_a_decoder_does_not_count():
    assert faults_of(UNet((0, 2)), IMAGE) == [("up.0", "layer"), ("up.2", "layer")]


def test_sizes_that_do_not_divide():
    """37 gives 18, 9 and 4 on the way down, and 8, 18 and 36 on the way up."""
    assert faults_of(UNet(), torch.zeros(1, 8, 37, 37)) == [("cat", "join"), ("cat_2", "join")]


def test_features_of_a_transformer():
    class Layer(nn.Module):
        def __init__(self, hidden: int, back: int, width: int = 16) -> None:
            super().__init__()
            self.norm, self.up, self.down = nn.LayerNorm(16), nn.Linear(16, hidden), nn.Linear(back, width)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.down(F.gelu(self.up(self.norm(x))))

    model = nn.Sequential(Layer(32, 32), Layer(32, 64), Layer(32, 32, 24), Layer(32, 32))
    assert faults_of(model, torch.zeros(2, 5, 16)) == [("1.down", "layer"), ("2/add", "join")]


def test_dense_layers_that_count_wrongly():
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(
                [nn.Conv2d(8, 4, 3, 1, 1), nn.Conv2d(10, 4, 3, 1, 1), nn.Conv2d(16, 4, 1)]
            )

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = torch.cat([x, layer(x)], 1)
            return x

    assert faults_of(Dense(), IMAGE) == [("layers.1", "layer")]


def test_a_linear_layer_after_a_flatten():
    model = nn.Sequential(
        nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(4 * 28 * 28, 10), nn.ReLU(), nn.Linear(10, 2)
    )
    graph = trace_call(model, (IMAGE,), {}, recover=True)
    (fault,) = graph.faults
    assert fault.expected == (1, 4 * 28 * 28)
    assert graph.operations[-1].operands


def test_a_forward_that_gives_up_keeps_the_faults_before():
    class Checks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 8, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.conv(x)
            raise AssertionError("not today")

    graph = recovered(Checks(), (IMAGE,), {})
    assert isinstance(graph, ModelGraph)
    assert len(graph.faults) == 1


def test_other_errors_are_no_faults():
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.missing

    assert recovered(Fails(), (IMAGE,), {}) is None
    with pytest.raises(TraceError):
        trace(UNet((1,)), IMAGE)


def test_a_model_that_runs_has_no_faults():
    graph = trace_call(UNet(), (IMAGE,), {}, recover=True)
    assert graph.faults == ()
    assert graph.operations == trace(UNet(), IMAGE).operations


class Stage(nn.Module):
    """A dense block whose layers concatenate all that came before, at one width."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4 * (i + 1), 4, 3, padding=1) for i in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


def test_readings_of_many_operands_are_not_tried_in_every_combination(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worlds = 0

    def counting(world: World) -> bool:
        nonlocal worlds
        worlds += 1
        return consistent(world)

    consistent = repair._consistent
    monkeypatch.setattr(repair, "_consistent", counting)
    graph = trace_call(Stage(40), (torch.zeros(1, 4, 8, 8),), {}, recover=True)
    assert graph.faults == ()
    operands = sum(len(operation.operands) for operation in graph)
    assert worlds < 48 * 48 * operands


class Unfinished(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(8, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.first(x)
        return self.missing(x)  # type: ignore[no-any-return]


def test_what_ends_the_forward_after_a_fault_is_kept() -> None:
    graph = trace_call(Unfinished(), (IMAGE,), {}, recover=True)
    assert len(graph.faults) == 1
    assert "test_recovery.py:" in graph.ended_by
    assert "AttributeError: 'Unfinished' object has no attribute 'missing'" in graph.ended_by
    (finding,) = skiplint.lint(Unfinished(), IMAGE).findings
    assert finding.code == "SKL101", "that nothing reaches the output is not the layers' fault"
