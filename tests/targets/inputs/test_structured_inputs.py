"""Inputs that are more than one tensor, and what the source of forward says about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skiplint.targets.inputs.forms import Form
from skiplint.targets.inputs.reading import read_forms
from tests.targets.inputs.test_inferred_inputs import inputs_of, shape, shapes


class DictBatch(nn.Module):
    """An image and text, by key, one of them asked for with ``get``."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.text = nn.Conv2d(3, 8, 3), nn.Embedding(50, 8)

    def forward(self, batch):  # type: ignore[no-untyped-def]
        words = self.text(batch.get("input_ids")).mean(1)
        return self.image(batch["image"]).mean((2, 3)) + words


class NestedDict(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.deep = nn.Linear(5, 4), nn.Linear(7, 4)

    def forward(self, batch: dict[str, Any]) -> Tensor:
        inputs = batch["inputs"]
        return self.wide(inputs["wide"]) + self.deep(inputs["deep"])


class ListOfDicts(nn.Module):
    """As detectron2 takes its images: one dictionary each."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, batched_inputs: list[dict[str, Tensor]]) -> Tensor:
        images = [x["image"] for x in batched_inputs]
        return self.conv(torch.stack(images))


class GraphConv(nn.Module):
    """Node features and edges, as attributes; the mean over each graph of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(6, 4)

    def forward(self, data):  # type: ignore[no-untyped-def]
        x, edges = self.lin(data.x), data.edge_index
        x = x.index_add(0, edges[1], x[edges[0]])
        return torch.zeros(1, 4, device=x.device).index_add(0, data.batch, x)


class GraphArguments(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin, self.edge = nn.Linear(6, 4), nn.Linear(3, 4)

    def forward(self, x: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        row, col = edge_index
        messages = self.lin(x)[row] + self.edge(edge_attr)
        return self.lin(x).index_add(0, col, messages)


class Pair(nn.Module):
    """A stereo pair is unpacked."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, pair):  # type: ignore[no-untyped-def]
        left, right = pair
        return self.conv(left) - self.conv(right)


@dataclass
class Sample:
    image: Tensor
    scale: float = 1.0


class Observation(NamedTuple):
    position: Tensor
    goal: Tensor


class TakesSample(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, sample: Sample) -> Tensor:
        return self.conv(sample.image) * sample.scale


class TakesObservation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.policy = nn.Linear(5, 2)

    def forward(self, observation: Observation) -> Tensor:
        return self.policy(torch.cat([observation.position, observation.goal], -1))


class HandsOn(nn.Module):
    """The dictionary is read in another method."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 3)

    def features(self, sample):  # type: ignore[no-untyped-def]
        return self.conv(sample["audio"])

    def forward(self, batch):  # type: ignore[no-untyped-def]
        return self.features(batch).mean(-1)


class PackedWords(nn.Module):
    """Lengths are no longer than the sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.rnn = nn.Embedding(30, 8), nn.GRU(8, 8, batch_first=True)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        positions = torch.arange(words.shape[1], device=words.device)
        hidden = self.rnn(self.embed(words))[0]
        return hidden * (positions < lengths[:, None]).unsqueeze(-1)


class TrainingForward(nn.Module):
    """Gives a loss where there are targets."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(9, 3)

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Tensor:
        y = self.fc(x)
        return y if targets is None else F.cross_entropy(y, targets)


class LossBeside(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(9, 3)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(self.fc(x), target)


class Denoiser(nn.Module):
    """A step of diffusion, with a sinusoidal embedding of the time."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(16, 8)

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        angles = timesteps[:, None].float() * torch.arange(8, device=x.device)
        time = self.fc(torch.cat([angles.sin(), angles.cos()], -1))
        return self.conv(x) + time[:, :, None, None]


class Tabular(nn.Module):
    """Three columns of categories, five of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.embeds = nn.ModuleList(nn.Embedding(n, 4) for n in (3, 7, 5))
        self.fc = nn.Linear(3 * 4 + 5, 2)

    def forward(self, x_cat: Tensor, x_cont: Tensor) -> Tensor:
        columns = [embed(x_cat[:, i]) for i, embed in enumerate(self.embeds)]
        return self.fc(torch.cat([*columns, x_cont], 1))


class Cell(nn.Module):
    """One step of a recurrent policy, with its state."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(6, 10)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> Tensor:
        h, c = state
        return self.cell(x, (h, c))[0]


class Points(nn.Module):
    """A point cloud with the points first; the comment says so."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 8, 1)

    def forward(self, xyz: Tensor) -> Tensor:
        B, N, C = xyz.shape
        return self.conv(xyz.permute(0, 2, 1).reshape(B, C, N)).amax(-1)


class Clip(nn.Module):
    """Frames, each through a two-dimensional network.

    Args:
        clip: (B, T, C, H, W)
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, clip: Tensor) -> Tensor:
        return self.conv(clip.flatten(0, 1))


class Codebooks(nn.Module):
    """Token numbers of several codebooks: three axes, not the two that the name suggests."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 8)

    def forward(self, indices: Tensor) -> Tensor:
        _batch, _books, _time = indices.shape
        return self.embed(indices).sum(1)


class Spectral(nn.Module):
    """Complex weights take complex input."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(6, 4, dtype=torch.cfloat))

    def forward(self, z: Tensor) -> Tensor:
        return torch.matmul(z, self.weight).abs()


CASES: list[tuple[Callable[[], nn.Module], list[Any]]] = [
    (DictBatch, [{"input_ids": [1, 16], "image": [1, 3, 224, 224]}]),
    (NestedDict, [{"inputs": {"wide": [1, 5], "deep": [1, 7]}}]),
    (ListOfDicts, [[{"image": [3, 224, 224]}, {"image": [3, 224, 224]}]]),
    (GraphArguments, [[16, 6], [2, 40], [40, 3]]),
    (Pair, [[[1, 3, 224, 224], [1, 3, 224, 224]]]),
    (HandsOn, [{"audio": [1, 2, 1024]}]),
    (PackedWords, [[1, 16], [1]]),
    (TrainingForward, [[1, 9]]),
    (LossBeside, [[1, 9], [1]]),
    (Denoiser, [[1, 3, 224, 224], [1]]),
    (Cell, [[1, 6], [[1, 10], [1, 10]]]),
    (Points, [[1, 16, 3]]),
    (Clip, [[1, 16, 3, 224, 224]]),
    (Codebooks, [[1, 16, 16]]),
    (Spectral, [[1, 6]]),
]


@pytest.mark.parametrize(("make", "expected"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_inputs_have_the_form_that_forward_takes_apart(
    make: Callable[[], nn.Module], expected: list[Any]
) -> None:
    assert shapes(inputs_of(make)) == expected


def test_attributes_of_a_batch_are_given() -> None:
    data = inputs_of(GraphConv).args[0]
    assert {name: shape(value) for name, value in vars(data).items()} == {
        "x": [16, 6],
        "edge_index": [2, 40],
        "batch": [16],
    }
    assert int(data.edge_index.max()) < 16


def test_a_class_of_the_annotation_is_made() -> None:
    sample = inputs_of(TakesSample).args[0]
    assert isinstance(sample, Sample)
    assert shape(sample.image) == [1, 1, 224, 224]
    observation = inputs_of(TakesObservation).args[0]
    assert isinstance(observation, Observation)
    assert observation.position.shape[-1] + observation.goal.shape[-1] == 5


def test_lengths_are_within_the_sequence() -> None:
    words, lengths = inputs_of(PackedWords).args
    assert lengths.dtype == torch.int64
    assert 1 <= int(lengths.min()) <= int(lengths.max()) <= words.shape[1]


def test_columns_of_categories_are_integers_beside_numbers() -> None:
    categories, numbers = inputs_of(Tabular).args
    assert categories.dtype == torch.int64
    assert categories.shape[1] >= 3
    assert shape(numbers) == [1, 5]


class Einops(nn.Module):
    def forward(self, x, mask):  # type: ignore[no-untyped-def]
        # mask: [B, T]  # noqa: ERA001
        x = rearrange(x, "b c (h p) w -> b (h w) (p c)", p=2)  # type: ignore[name-defined] # noqa: F821
        _b, _n, _c = x.shape  # not the shape of the input
        return x * mask


def test_patterns_and_comments_say_shapes_until_the_name_is_bound_again() -> None:
    assert read_forms(Einops()) == {
        "x": Form(rank=4, written=("b c h w",)),
        "mask": Form(written=("B T",)),
    }
