"""``ablate``: a model without a skip is the one that would be written so, and what its figures say."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import skiplint
from skiplint.analysis.ablation.ablation import Ablation, Row
from skiplint.analysis.ablation.options import AblationOptions
from skiplint.analysis.ablation.probe import information, variance
from skiplint.analysis.gradients import GradientError
from skiplint.analysis.gradients.measure import random_gradients
from skiplint.progress import reported_to

ONCE = AblationOptions(seeds=0, batch=4)


def ablated(model: nn.Module, *inputs: Tensor, options: AblationOptions = ONCE) -> Ablation:
    return skiplint.analyze(model, *inputs).ablation(options)


class Branch(nn.Module):
    def __init__(self, width: int, join: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu_(self.join(out, x))


class ResNet(nn.Module):
    def __init__(self, *joins: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.blocks = nn.Sequential(*(Branch(6, join) for join in joins))
        self.head = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


def plain(out: Tensor, _: Tensor) -> Tensor:
    return out


def add(out: Tensor, x: Tensor) -> Tensor:
    return out + x


def add_in_place(out: Tensor, x: Tensor) -> Tensor:
    out += x
    return out


def add_into_the_shortcut(out: Tensor, x: Tensor) -> Tensor:
    return x.clone().add_(out)


def stacked(out: Tensor, x: Tensor) -> Tensor:
    return torch.stack([out, x]).sum(0)


JOINS = [add, add_in_place, add_into_the_shortcut, stacked]


def gradients(model: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """Of the direction that an ablation takes, by plain autograd and without skiplint."""
    model = copy.deepcopy(model).train()
    output = model(image)
    (seed,) = random_gradients([output], 0)
    assert seed is not None
    output.backward(seed)
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def expected_norms(model: nn.Module, image: Tensor) -> list[float]:
    found = gradients(model, image)
    layers = ["stem"]
    for at in range(len(model.blocks)):  # type: ignore[arg-type]
        layers += [f"blocks.{at}.conv1", f"blocks.{at}.conv2"]
    return [
        math.sqrt(
            sum(float(g.double().square().sum()) for name, g in found.items() if name.startswith(f"{layer}."))
        )
        for layer in [*layers, "head"]
    ]


def twin(model: ResNet, *joins: Callable[[Tensor, Tensor], Tensor]) -> ResNet:
    """The network as one would write it without these skips, with the same weights."""
    other = ResNet(*joins)
    other.load_state_dict(model.state_dict())
    return other


def image_of(model: nn.Module, found: Ablation) -> Tensor:
    """The batch that an ablation runs on."""
    from skiplint.analysis.ablation.batch import on_an_arc
    from skiplint.tracing import Subject

    batch = on_an_arc(Subject(model, (IMAGE,), {}), found.batch, 0)
    image: Tensor = batch.args[0]
    return image


IMAGE = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("join", JOINS, ids=lambda join: join.__name__)
def test_exactly_the_gradients_of_a_network_written_without(join: Callable[[Tensor, Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    model = ResNet(join, join, join)
    found = ablated(model, IMAGE)
    image = image_of(model, found)
    assert list(found.base.gradient.values()) == expected_norms(model, image)
    for at, row in enumerate(found.rows):
        joins = [plain if at == other else join for other in range(3)]
        assert list(row.gradient.values()) == expected_norms(twin(model, *joins), image)
    assert found.sequential is not None
    without = expected_norms(twin(model, plain, plain, plain), image)
    assert list(found.sequential.gradient.values()) == without
    assert found.sequential.first == without[0]


def test_variance_and_paths_are_those_of_the_network_written_without() -> None:
    torch.manual_seed(0)
    model = ResNet(add, add)
    found = ablated(model, IMAGE)
    image = image_of(model, found)
    other = twin(model, plain, plain).train()
    assert found.sequential is not None
    assert found.sequential.output_variance == pytest.approx(variance(other(image)))
    assert found.base.output_variance == pytest.approx(variance(model.train()(image)))
    counts = [row.paths and (row.paths["count"], row.paths["min"], row.paths["max"]) for row in found.rows]
    assert counts == [(2, 4, 6), (2, 4, 6)]
    assert found.base.paths == {"count": 4, "min": 2, "mean": 4.0, "max": 6}
    assert found.sequential.paths == {"count": 1, "min": 6, "mean": 6.0, "max": 6}
    first = found.skips[0].join
    branch = found.sequential.join_variance[first]
    assert branch == pytest.approx(1, rel=1e-3)  # what the last batch norm gives
    assert found.base.join_variance[first] > branch


class Concatenates(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = (
            nn.Conv2d(3, 4, 1),
            nn.Sequential(nn.Conv2d(4, 4, 1), nn.Tanh(), nn.Conv2d(4, 4, 1)),
        )
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(torch.cat([x, self.deep(x)], dim=1))


class Written(Concatenates):
    """The same in slices of one buffer."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        buffer = x.new_zeros(x.shape[0], 8, *x.shape[2:])
        buffer[:, :4].copy_(x)
        buffer[:, 4:].copy_(self.deep(x))
        return self.head(buffer)


@pytest.mark.parametrize("kind", [Concatenates, Written])
def test_a_concatenation_keeps_its_shape(kind: type[Concatenates]) -> None:
    torch.manual_seed(0)
    model = kind()
    found = ablated(model, IMAGE)
    image = image_of(model, found)
    (row,) = found.rows
    stem = model.stem(image)
    zeros = torch.cat([torch.zeros_like(stem), model.deep(stem)], dim=1)
    expected = model.head(zeros)
    assert row.output_variance == pytest.approx(variance(expected))
    assert row.paths is not None
    assert (row.paths["count"], row.paths["min"]) == (1, 4)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.candidate, self.gate, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        return self.head(x + gate * (torch.tanh(self.candidate(x)) - x))


def test_a_gated_skip_leaves_the_gated_branch() -> None:
    torch.manual_seed(0)
    model, x = Gated(), torch.randn(3, 6)
    found = ablated(model, x)
    (row,) = found.rows
    from skiplint.analysis.ablation.batch import on_an_arc
    from skiplint.tracing import Subject

    given = on_an_arc(Subject(model, (x,), {}), found.batch, 0).args[0]
    expected = model.head(torch.sigmoid(model.gate(given)) * torch.tanh(model.candidate(given)))
    assert row.output_variance == pytest.approx(variance(expected))


# -- the figures -----------------------------------------------------------------------------------------


def row_of(*norms: float) -> Row:
    return Row((), dict(enumerate(norms)), {}, 1.0, None, None)


def test_ends_and_profile() -> None:
    row = row_of(*(10.0**-at for at in range(16)))
    assert row.first == 1
    assert row.last == pytest.approx(1e-15)
    assert row.profile == pytest.approx([10 ** -(2 * part + 0.5) for part in range(8)])
    assert row_of(1.0, 0.0).last == 0
    assert row_of().profile == []


def test_information_falls_with_collapse_and_with_shattering() -> None:
    torch.manual_seed(0)
    points = torch.linspace(0, math.pi / 2, 8)
    arc = torch.stack([points.cos(), points.sin()], dim=1) @ torch.linalg.qr(torch.randn(50, 2))[0].T
    distances = torch.cdist(arc, arc)
    assert information(distances, arc @ torch.randn(50, 40)) == pytest.approx(1, abs=0.1)
    assert information(distances, torch.ones(8, 3)) == 0
    shattered = information(distances, torch.randn(8, 400))
    assert shattered is not None
    assert shattered < 0.5
    assert information(torch.zeros(1, 1), arc) is None
    assert information(distances, torch.full((8, 3), math.inf)) == 0


def test_the_same_seed_gives_the_same_figures() -> None:
    torch.manual_seed(0)
    model = ResNet(add, add)
    options = AblationOptions(seeds=2, seed=5, batch=4)
    one, other = (ablated(model, IMAGE, options=options) for _ in range(2))
    assert (one.base, one.rows, one.sequential, one.seeds) == (
        other.base,
        other.rows,
        other.sequential,
        other.seeds,
    )
    assert len({each.first for each in one.seeds}) == 2
    assert ablated(model, IMAGE, options=AblationOptions(seeds=1, seed=6, batch=4)).seeds != one.seeds[1:]


def test_a_deep_network_shows_what_skips_do() -> None:
    """With skips the inputs' geometry survives 14 blocks and gradients stay alike; without, neither does."""
    torch.manual_seed(0)
    found = ablated(ResNet(*[add] * 14), IMAGE, options=AblationOptions(seeds=0, batch=8))
    assert found.sequential is not None
    assert found.base.information is not None
    assert found.sequential.information is not None
    assert found.base.information > found.sequential.information + 0.1
    ratios = [row.first / row.last for row in (found.base, found.sequential)]
    assert ratios[1] > 5 * ratios[0]


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc, self.head = nn.Embedding(20, 8), nn.Linear(8, 8), nn.Linear(8, 20)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        return self.head(x + self.fc(x))


def test_tokens() -> None:
    found = ablated(Tokens(), torch.randint(0, 20, (1, 12)))
    assert found.batch == 4
    assert found.base.information is not None
    assert found.base.information > 0.5
    assert all(0 < norm < math.inf for norm in found.base.gradient.values())


class OnlyPairs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.unbind(0)
        return left + self.fc(right) + right


def test_a_batch_that_the_model_refuses() -> None:
    found = ablated(OnlyPairs(), torch.randn(2, 4))
    assert found.batch == 1
    assert found.base.information is None


def test_a_model_without_skips_has_one_row() -> None:
    found = ablated(nn.Linear(4, 4), torch.randn(2, 4))
    assert (found.rows, found.sequential, found.seeds) == ((), None, ())


def test_a_model_without_values() -> None:
    with pytest.raises(GradientError, match="has no values in its weights"):
        ablated(Tokens().to("meta"), torch.randint(0, 20, (1, 12)))


def test_it_says_how_far_it_is() -> None:
    heard: list[tuple[str, int, int]] = []
    with reported_to(lambda *report: heard.append(report)):
        ablated(ResNet(add, add), IMAGE)
    assert [report for report in heard if report[0] == "removing skips"] == [
        ("removing skips", done, 2) for done in range(3)
    ]
