"""Effective path lengths: gains against autograd and closed forms, and against all paths one by one."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from math import comb
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import skiplint
from skiplint.analysis.gradients import EffectiveLengths, EffectivePaths, GradientError
from skiplint.analysis.gradients.masses import Edge, GainGraph, masses
from skiplint.analysis.gradients.merging import merged
from skiplint.tracing import Subject
from skiplint.tracing.replay.tape import Tape


def effective(model: nn.Module, *inputs: Tensor, training: bool | None = None) -> EffectivePaths:
    torch.manual_seed(0)
    return skiplint.analyze(model, *inputs).gradients.effective_for(training=training)


# -- the tape: each call differentiated by itself gives the gradient of the whole ------------------------


class InPlace(nn.Module):
    """Slices of one buffer, written in two ways, a write through a view, and one that reads its target."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        buffer = torch.zeros(x.shape[0], 8, *x.shape[2:])
        buffer[:, :4] = self.left(x)
        buffer[:, 4:].copy_(self.right(x))
        y = buffer * 2
        y[:, 0].mul_(3)
        y += y.clone()
        return y


class Shared(nn.Module):
    """A norm that is used twice, and integers that are written in place."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.fc = nn.BatchNorm1d(6), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.fc(self.norm(x)))
        order = x.argsort(dim=0)
        back = torch.empty_like(order[:, 0])
        back[order[:, 0]] = torch.arange(len(back))
        return x[order[:, 0]][back] * x


class SeveralOutputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.fc, self.drop = nn.LSTM(3, 4), nn.Linear(4, 4), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, (h, _) = self.cell(x)
        left, right = self.fc(self.drop(y)).chunk(2, dim=-1)
        best, where = left.max(dim=-1)
        return best * right.sigmoid().mean(-1), h.squeeze(0), where


class Residual(nn.Module):
    def __init__(self, width: int = 6, blocks: int = 3) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Linear(width, width))
            for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block(x.clone())
        return x


MODELS = [
    (InPlace(), (2, 3, 5, 5)),
    (SeveralOutputs(), (5, 2, 3)),
    (Shared(), (7, 6)),
    (Residual(), (7, 6)),
    (nn.TransformerEncoderLayer(8, 2, batch_first=True), (2, 5, 8)),
]


@pytest.mark.parametrize(("model", "shape"), MODELS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("training", [True, False])
def test_call_by_call_is_the_whole_gradient(model: nn.Module, shape: tuple[int, ...], training: bool) -> None:
    x = torch.randn(shape)
    subject, tape = Subject(model, (x,), {}), Tape()
    returned: list[Tensor] = []
    graph = subject.observe(tape, training=training, keep=returned)
    seeds = [torch.randn_like(each) if each.is_floating_point() else None for each in returned]
    at: dict[tuple[int, int], Tensor] = {}
    for operand, seed in zip(graph.operations[-1].operands, seeds, strict=True):
        if seed is not None:
            at[operand.producer, operand.output] = seed
    for operation in reversed(graph.operations):
        places = range(len(operation.outputs))
        found = {place: at[operation.index, place] for place in places if (operation.index, place) in at}
        for place, gradient in tape.pull(operation, found).items():
            operand = operation.operands[place]
            key = operand.producer, operand.output
            at[key] = at[key] + gradient if key in at else gradient
    with subject.running(training=training) as (ready, args, _):
        leaf = args[0].requires_grad_()
        torch.manual_seed(0)
        made = ready(leaf)
        outputs = [made] if isinstance(made, Tensor) else list(made)
        wanted = sum((y * seed).sum() for y, seed in zip(outputs, seeds, strict=True) if seed is not None)
        (expected,) = torch.autograd.grad(wanted, leaf)
    (source,) = [operation.index for operation in graph if operation.kind == "input"]
    torch.testing.assert_close(at[source, 0], expected)
    assert tape.opaque == []


def test_the_model_is_left_as_it_was() -> None:
    model = Residual().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    x = torch.randn(7, 6)
    torch.random.set_rng_state(state)
    analysis = skiplint.analyze(model, x)
    assert analysis.gradients.effective.training
    assert torch.equal(state, torch.random.get_rng_state())
    assert not model.training
    assert all(parameter.grad is None and parameter.is_leaf for parameter in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


# -- closed forms ----------------------------------------------------------------------------------------


class Scaled(nn.Module):
    """``x + g R x`` with a rotation R: every block takes g times the gradient, exactly."""

    def __init__(self, blocks: int, gain: float) -> None:
        super().__init__()
        self.gain = gain
        self.layers = nn.ModuleList(nn.Linear(8, 8, bias=False) for _ in range(blocks))
        for layer in self.layers:
            nn.init.orthogonal_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + self.gain * layer(x)
        return x


@pytest.mark.parametrize("gain", [0.1, 1.0, 5.0])
def test_orthogonal_blocks_are_binomial(gain: float) -> None:
    found = effective(Scaled(10, gain), torch.randn(3, 8))
    share = gain / (1 + gain)
    expected = {k: comb(10, k) * share**k * (1 - share) ** (10 - k) for k in range(11)}
    for lengths in (found.blocks, found.layers):
        assert dict(lengths.histogram) == pytest.approx(expected, rel=1e-4)
        assert lengths.mean == pytest.approx(10 * share, rel=1e-4)
        assert lengths.sd == pytest.approx(math.sqrt(10 * share * (1 - share)), rel=1e-4)
    assert [each.block for each in found.shares] == pytest.approx([share] * 10, rel=1e-4)
    assert [each.shortcut for each in found.shares] == pytest.approx([1 - share] * 10, rel=1e-4)


@pytest.mark.parametrize("gain", [1e-30, 1e30])
def test_more_paths_than_a_float_can_count(gain: float) -> None:
    blocks = 2000
    rows: list[list[Edge]] = [[]]
    for _ in range(blocks):
        start = len(rows) - 1
        rows += [[Edge(start, gain)], [Edge(start, gain), Edge(start + 1, 1.0)]]
    length = [int(at % 2 == 1) for at in range(len(rows))]
    found = masses(GainGraph(rows, length, frozenset({0}), [Edge(len(rows) - 1, 1e-5)]))
    assert found[1000] == pytest.approx(comb(blocks, 1000) / 2**blocks, rel=1e-9)
    assert sum(found.values()) == pytest.approx(1)


def test_where_all_gains_are_one_it_is_the_exact_distribution() -> None:
    torch.manual_seed(1)
    model = skiplint.analyze(Scaled(6, 1.0), torch.randn(3, 8))
    counts = model.paths.blocks
    found = model.gradients.effective.blocks
    assert dict(found.histogram) == pytest.approx({k: n / 64 for k, n in counts.histogram.items()}, rel=1e-4)


class Turning(nn.Module):
    """The second branch turns the gradient by a right angle; the first passes only what has been turned."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
        self.first.weight.data = torch.tensor([[0.0, 0.0], [0.0, gain]])
        self.second.weight.data = torch.tensor([[0.0, 1.0], [0.0, 0.0]])

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.first(x)
        return x + self.second(x)


def test_each_length_is_measured_along_its_own_gradient() -> None:
    """Measured along the sum of both, the first branch would seem to pass gradient of the shortcut too."""
    gradients = skiplint.analyze(Turning(3.0), torch.randn(4, 2)).gradients
    found = gradients.effective_for(lambda outputs: outputs[0][:, 0].sum())
    for lengths in (found.blocks, found.layers):
        assert dict(lengths.histogram) == pytest.approx({0: 1 / 5, 1: 1 / 5, 2: 3 / 5})
    assert [each.block for each in found.shares] == pytest.approx([3 / 5, 4 / 5])


def at_right_angles(count: int) -> list[dict[int, Tensor]]:
    return [{0: row} for row in torch.eye(count)]


def test_twelve_directions_stay_apart_and_the_least_different_are_merged() -> None:
    gradients, zeros = at_right_angles(13), [0.0] * 13
    assert merged(gradients[:12], zeros[:12], zeros[:12]) == [[place] for place in range(12)]
    alike = [*gradients[:12], {0: 7 * gradients[4][0]}]
    assert [4, 12] in merged(alike, zeros, [*zeros[:12], 9.0])  # one direction, however long the paths
    rare = [math.log(0.1) if place in (2, 5) else 0.0 for place in range(13)]
    assert [2, 5] in merged(gradients, rare, zeros)
    apart = [float(place // 2) for place in range(12)]
    assert merged(gradients, zeros, [*apart[:11], 9.0, 20.0])[0] == [0, 1]
    opposite = [*gradients[:12], {0: -gradients[3][0]}]
    assert all(3 not in group or group == [3] for group in merged(opposite, zeros, zeros))


def test_directions_are_compared_over_all_outputs() -> None:
    """Alike at output 0, but one of the two has a part at output 1 too, at a right angle to all others."""
    x, y = torch.tensor([1.0, 0.0]), torch.tensor([1.0 + 0.0j])
    first = {0: torch.cat([x, torch.zeros(11)])}
    others = [{0: row} for row in torch.eye(13)[2:]]
    gradients = [first, first | {1: y}, *others]
    assert len(gradients) == 13
    assert merged(gradients, [0.0] * 13, [0.0] * 13)[0] == [0, 1]
    assert merged([first, {1: y}, *others], [0.0, *[-1.0] * 12], [0.0] * 13)[0] == [0]


# -- what models do --------------------------------------------------------------------------------------


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc, self.head = nn.Embedding(9, 8), nn.Linear(8, 8), nn.Linear(8, 9)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.embed(ids) * mask[..., None]
        return self.head(x + self.fc(x))


def test_paths_of_tokens_start_at_the_embedding() -> None:
    ids = torch.randint(0, 9, (2, 4))
    found = effective(Tokens(), ids, torch.ones(2, 4, dtype=torch.long))
    assert set(found.layers.histogram) == {2, 3}  # embedding, head, and the layer between or not
    assert set(found.blocks.histogram) == {0, 1}


class Picks(nn.Module):
    """One output without a gradient, and a branch that is cut off on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = x + self.fc(x).detach()
        with torch.no_grad():
            y = y + self.fc(y)
        return y.argmax(-1), x + self.fc(x).detach()


def test_no_gradient_where_the_model_allows_none() -> None:
    found = effective(Picks(), torch.randn(3, 4))
    assert dict(found.layers.histogram) == {0: 1.0}


class ZeroHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.head = nn.Linear(4, 4), nn.Linear(4, 2)
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x + self.fc(x))


def test_a_head_of_zeros_is_looked_through() -> None:
    model = ZeroHead()
    found = effective(model, torch.randn(3, 4))
    assert found.woken == ("head.weight",)
    assert set(found.layers.histogram) == {1, 2}
    assert not model.head.weight.any()


class Constant(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sign()


class Overflows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return (self.fc(x) * 1e30).square().square().log()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Constant(), "no gradient reaches an input; it ends at sign"),
        (Overflows(), "the gradient at .* is not finite"),
        (nn.Linear(4, 4).to("meta"), "has no values in its weights"),
    ],
    ids=["constant", "overflow", "meta"],
)
def test_what_cannot_be_measured_is_one_line(model: nn.Module, message: str) -> None:
    analysis = skiplint.analyze(model, torch.randn(3, 4))
    with pytest.raises(GradientError, match=message) as caught:
        _ = analysis.gradients.effective
    assert "\n" not in str(caught.value)


def test_a_graph_alone_has_no_gradients() -> None:
    graph = skiplint.trace(Constant(), torch.randn(3, 4))
    with pytest.raises(GradientError, match="only its graph is at hand"):
        _ = skiplint.Analysis(graph).gradients.effective


def test_one_example_falls_back_to_evaluation() -> None:
    # Batch norm of one value for each channel refuses to train.
    found = effective(Residual().eval(), torch.randn(1, 6))
    assert not found.training


# -- the protocol of Veit et al. 2016 --------------------------------------------------------------------


def benchmark() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "veit.py"
    spec = importlib.util.spec_from_file_location("veit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def double() -> Iterator[None]:
    """Double precision: in single, the order of sums, thus the number of threads, trains another network."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def both_ways(veit: Any, net: nn.Module) -> tuple[EffectiveLengths, dict[int, float]]:
    """What skiplint says of a network, and the distribution of the norms of all its paths."""
    images, labels = next(veit.batches(16, 12, 2))
    norms = veit.all_paths(net, images, labels)
    assert sum(map(len, norms.values())) == 2 ** len(norms) // 2
    gradients = skiplint.analyze(net, images).gradients
    found = gradients.effective_for(lambda outputs: cross_entropy(outputs[0], labels), training=True)
    return found.blocks, veit.distribution(norms)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    ("seed", "steps"),
    [(0, 0), (1, 0), (0, 60)],
    ids=["first weights", "other weights", "trained"],
)
def test_the_same_as_all_paths_one_by_one(seed: int, steps: int) -> None:
    """All 2^9 paths of nine blocks; docs/paths.md has a sample of those of 54 blocks."""
    veit: Any = benchmark()
    torch.manual_seed(seed)
    net = veit.ResNet(9, 8).train()
    veit.train(net, steps, 12)
    found, expected = both_ways(veit, net)
    mean, sd = veit.moments(expected)
    assert found.mean == pytest.approx(mean, rel=0.01)
    assert found.sd == pytest.approx(sd, rel=0.01)


@pytest.mark.usefixtures("double")
def test_few_paths_are_exact() -> None:
    """Up to twelve paths reach a block apart from each other: all of a network with three."""
    veit: Any = benchmark()
    torch.manual_seed(0)
    net = veit.ResNet(3, 8).train()
    veit.train(net, 20, 12)
    found, expected = both_ways(veit, net)
    assert dict(found.histogram) == pytest.approx(expected, rel=1e-9)
