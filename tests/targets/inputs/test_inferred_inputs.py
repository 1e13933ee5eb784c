"""Inputs found from nothing but the model: which layer reads them first, and which size runs."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skiplint.targets import ExampleInputs, ModelTarget, TargetError, build, find_inputs
from tests.targets.conftest import trial


def inputs_of(make: Callable[[], nn.Module]) -> ExampleInputs:
    target = ModelTarget("model.py:Net", "Net", None, None, make)
    model = build(target).model
    return find_inputs(model, target, runs=trial(model))


def shapes(found: ExampleInputs) -> list[Any]:
    return [shape(value) for value in [*found.args, *found.kwargs.values()]]


def shape(value: Any) -> Any:
    if isinstance(value, Tensor):
        return list(value.shape)
    if isinstance(value, list | tuple):
        return [shape(item) for item in value]
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return value


def test_channels_come_from_the_first_convolution() -> None:
    found = inputs_of(lambda: nn.Sequential(nn.Conv2d(5, 8, 3), nn.ReLU()))
    assert shapes(found) == [[1, 5, 224, 224]]
    assert found.source == "inferred"
    assert "Conv2d 0" in found.why


def test_the_size_comes_from_the_linear_layer_after_a_flatten() -> None:
    lenet = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 10),
    )  # fmt: skip
    assert shapes(inputs_of(lambda: lenet)) == [[1, 1, 32, 32]]


def test_an_unusual_size_is_closed_in_on() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 37 * 37, 2)
    )
    assert shapes(inputs_of(lambda: model)) == [[1, 3, 74, 74]]


def test_no_size_is_picked_at_which_a_mismatch_broadcasts_away() -> None:
    class Unpadded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.branch = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stem(x)
            return x + self.branch(x)  # 3x3 and 1x1 add up; nobody means that

    with pytest.raises(TargetError, match="222") as raised:
        inputs_of(Unpadded)
    assert raised.value.attempt is not None
    assert shapes(raised.value.attempt) == [[1, 3, 224, 224]]


def test_where_none_runs_the_size_is_the_one_that_gets_past_the_flatten() -> None:
    """Only the fault after it is one then; at 224 the first linear layer would seem to be wrong as well."""
    lenet = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 5 * 5, 120), nn.Linear(100, 10),
    )  # fmt: skip
    with pytest.raises(TargetError, match="120") as raised:
        inputs_of(lambda: lenet)
    assert raised.value.attempt is not None
    assert shapes(raised.value.attempt) == [[1, 1, 32, 32]]


def test_integer_tokens_for_an_embedding_stay_below_its_rows() -> None:
    found = inputs_of(lambda: nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 2)))
    tokens = found.args[0]
    assert tokens.dtype == torch.int64
    assert tokens.shape == (1, 16)
    assert int(tokens.max()) < 7


class View(nn.Module):
    """MNIST as in the tutorials: the image is a vector for the first layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.view(-1, 784))


class ImageThroughUnpack(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(6, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        return self.conv(x.view(b, c, h * w))


class Tagger(nn.Module):
    """A recurrent tagger; batch first."""

    def __init__(self, batch_first: bool = True) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 16, batch_first=batch_first, bidirectional=True)
        self.head = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0])


class TextCnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(100, 20)
        self.convs = nn.ModuleList(nn.Conv2d(1, 8, (k, 20)) for k in (3, 4, 5))

    def forward(self, text: Tensor) -> Tensor:
        x = self.embed(text).unsqueeze(1)
        return torch.cat([F.relu(conv(x)).squeeze(3).max(2)[0] for conv in self.convs], 1)


class ChannelsLast(nn.Module):
    """Sequences of vectors, turned for the convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(12, 8, 3, padding=1)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x.transpose(1, 2)).transpose(1, 2))


class Spectrogram(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.unsqueeze(1))


class Vit(nn.Module):
    """Position table for 32x32 images in patches of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 24, 4, stride=4)
        self.position = nn.Parameter(torch.zeros(1, 65, 24))
        self.token = nn.Parameter(torch.zeros(1, 1, 24))
        layer = nn.TransformerEncoderLayer(24, 2, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, img: Tensor) -> Tensor:
        x = self.patch(img).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.position
        return self.encoder(x)


class PatchVit(nn.Module):
    """Patches by reshaping, as in lucidrains' repositories."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 8 * 8, 16)
        self.position = nn.Parameter(torch.zeros(1, 64, 16))

    def forward(self, img: Tensor) -> Tensor:
        b, c, h, w = img.shape
        x = img.reshape(b, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, 192)
        return self.linear(x) + self.position


class Video(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3, stride=2)

    def forward(self, clip: Tensor) -> Tensor:
        return self.conv(clip)


class FrameWise(nn.Module):
    """A 2d network on every frame of a clip."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, clip: Tensor) -> Tensor:
        b, t, c, h, w = clip.shape
        return self.conv(clip.view(b * t, c, h, w)).view(b, t, 4, h - 2, w - 2)


class Diffusion(nn.Module):
    """Noise prediction: an image, a time step, and a class."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 16, 3, padding=1)
        self.time = nn.Linear(16, 16)
        self.label = nn.Embedding(10, 16)

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        frequencies = torch.exp(-torch.arange(8, device=t.device) / 8)
        angles = t[:, None].float() * frequencies[None]
        embedded = self.time(torch.cat([angles.sin(), angles.cos()], dim=-1)) + self.label(y)
        return self.conv(x) + embedded[:, :, None, None]


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 8))

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return (self.net(x1) - self.net(x2)).abs()


class EarlyFusion(nn.Module):
    """Two images concatenated before the first layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 4, 3)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.conv(torch.cat([left, right], dim=1))


class Translator(nn.Module):
    """Sequence to sequence, with a mask that may be None."""

    def __init__(self) -> None:
        super().__init__()
        self.source = nn.Embedding(50, 16)
        self.target = nn.Embedding(60, 16)
        self.transformer = nn.Transformer(16, 2, 1, 1, 32, batch_first=True)

    def forward(self, src: Tensor, tgt: Tensor, src_mask: Tensor | None, tgt_mask: Tensor | None) -> Tensor:
        return self.transformer(self.source(src), self.target(tgt), src_mask=src_mask, tgt_mask=tgt_mask)


class KeywordOnly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.fc = nn.Linear(7, 4)

    def forward(self, *, image: Tensor, vector: Tensor, scale: float) -> Tensor:
        return self.conv(image).mean((2, 3)) * scale + self.fc(vector)


class Batch(nn.Module):
    """A dictionary of inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.words = nn.Embedding(30, 4)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return self.conv(batch["image"]).mean((2, 3)) + self.words(batch["tokens"]).mean(1)


class Pyramid(nn.Module):
    """A neck that takes a list of feature maps."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, 8, 1) for c in (16, 32, 64))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        return [conv(feature) for conv, feature in zip(self.lateral, features, strict=False)]


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Tensor:
        for image in images:
            if image.dim() != 3:
                raise ValueError("images must be 3d")
        return self.conv(torch.stack(images))


class Functional(nn.Module):
    """Weights without modules."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8, 2, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight)


class MatMul(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(12, 5))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


class Normalised(nn.Module):
    """Raw pixels are scaled and padded before the first layer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
        self.conv = nn.Conv2d(3, 4, 7, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad((x - self.mean) / 255, (3, 3, 3, 3)))


class PointNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 16, 1)
        self.bn = nn.BatchNorm1d(16)
        self.fc = nn.Linear(16, 4)

    def forward(self, points: Tensor) -> Tensor:
        return self.fc(self.bn(self.conv(points)).max(dim=2)[0])


class Vae(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(784, 8)
        self.decoder = nn.Linear(4, 784)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(torch.flatten(x, start_dim=1)).chunk(2, dim=1)
        return self.decoder(mean + torch.randn_like(mean) * (0.5 * log_variance).exp()), mean


class Generator(nn.Module):
    """A DCGAN generator: noise as an image of one pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(100, 8, 4, 1, 0)

    def forward(self, z: Tensor) -> Tensor:
        return self.up(z)


class LatentGenerator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(64, 8 * 4 * 4)
        self.up = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, z: Tensor) -> Tensor:
        return self.up(self.fc(z).view(-1, 8, 4, 4))


class AssertsSize(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == 96, f"Input width ({x.shape[-1]}) doesn't match model (96)"
        return self.conv(x)


class Half(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 4).to(torch.bfloat16)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class OptionalNeeded(nn.Module):
    """A parameter with a default that does not work."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.context = nn.Linear(9, 4)

    def forward(self, x: Tensor, context: Tensor | None = None, training: bool = False) -> Tensor:
        return self.conv(x).mean((2, 3)) + self.context(context)


class Variadic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.conv(inputs[0])


class GatedRnn(nn.Module):
    """A Python loop over a cell."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(11, 8)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.size(0), 8)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
        return h


class OneHot(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(27, 4)

    def forward(self, letters: Tensor) -> Tensor:
        return self.fc(F.one_hot(letters, 27).float())


class Tabular(nn.Module):
    """Numbers and categories."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(n, 4) for n in (3, 5, 7))
        self.fc = nn.Linear(6 + 12, 2)

    def forward(self, x_cat: Tensor, x_num: Tensor) -> Tensor:
        parts = [table(x_cat[:, i]) for i, table in enumerate(self.embeddings)]
        return self.fc(torch.cat([*parts, x_num], dim=1))


class CoordConv(nn.Module):
    """Two more channels with the coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(5, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        ramp = torch.linspace(-1, 1, x.shape[-1], device=x.device).expand(x.shape[0], 1, *x.shape[2:])
        return self.conv(torch.cat([x, ramp, ramp], dim=1))


class Unet572(nn.Module):
    """Unpadded convolutions, with the skip cropped to fit."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3)
        self.mid = nn.Conv2d(4, 4, 3)
        self.up = nn.Conv2d(8, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.down(x)
        x = F.interpolate(self.mid(F.max_pool2d(skip, 2)), scale_factor=2)
        d = (skip.shape[-1] - x.shape[-1]) // 2
        return self.up(torch.cat([skip[..., d : d + x.shape[-1], d : d + x.shape[-1]], x], 1))


class LazyHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.LazyConv2d(8, 3)
        self.head = nn.LazyLinear(10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).mean((2, 3)))


class Encoder(nn.Module):
    """nn.TransformerEncoder on sequences that come first."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(12, 2, 24), 1)

    def forward(self, src: Tensor) -> Tensor:
        return self.encoder(src)


class Attention(nn.Module):
    """Query and context of different widths."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, kdim=6, vdim=6, batch_first=True)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        return self.attention(query, context, context)[0]


class Latents(nn.Module):
    """As in DiT: four channels, and a side that is checked before any layer reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.position = nn.Conv2d(4, 8, 2, 2), nn.Parameter(torch.zeros(1, 256, 8))

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2] == 32, f"Input height ({x.shape[2]}) doesn't match model (32)."
        return self.patches(x).flatten(2).mT + self.position  # type: ignore[no-any-return]


class LabelledImage(nn.Module):
    """As in StarGAN: a label of a row is spread over the image that it goes with."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 4, 3)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        c = c.view(c.size(0), c.size(1), 1, 1)
        c = c.repeat(1, 1, x.size(2), x.size(3))
        return self.conv(torch.cat((x, c), 1))  # type: ignore[no-any-return]


class GraphLayer(nn.Module):
    """A graph convolution with a dense adjacency matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor, adj: Tensor) -> Tensor:
        return adj @ self.fc(x)


class LossOfModel(nn.Module):
    """Two things compared elementwise."""

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return (prediction - target).pow(2).mean()


CASES: list[tuple[Callable[[], nn.Module], list[Any]]] = [
    (View, [[1, 1, 28, 28]]),
    (ImageThroughUnpack, [[1, 6, 224, 224]]),
    (Tagger, [[1, 16, 40]]),
    (lambda: Tagger(batch_first=False), [[16, 1, 40]]),
    (TextCnn, [[1, 16]]),
    (ChannelsLast, [[1, 1024, 12]]),
    (Spectrogram, [[1, 224, 224]]),
    (Vit, [[1, 3, 32, 32]]),
    (PatchVit, [[1, 3, 64, 64]]),
    (Video, [[1, 3, 16, 224, 224]]),
    (FrameWise, [[1, 16, 3, 224, 224]]),
    (Diffusion, [[1, 4, 224, 224], [1], [1]]),
    (Siamese, [[1, 1, 224, 224], [1, 1, 224, 224]]),
    (EarlyFusion, [[1, 3, 224, 224], [1, 3, 224, 224]]),
    (Translator, [[1, 16], [1, 16], None, None]),
    (KeywordOnly, [[1, 2, 224, 224], [1, 7], 1.0]),
    (Batch, [{"image": [1, 3, 224, 224], "tokens": [1, 16]}]),
    (Pyramid, [[[1, 16, 224, 224], [1, 32, 224, 224], [1, 64, 224, 224]]]),
    (Detector, [[[3, 224, 224]]]),
    (Functional, [[1, 2, 224, 224]]),
    (MatMul, [[1, 12]]),
    (Normalised, [[1, 3, 224, 224]]),
    (PointNet, [[1, 3, 1024]]),
    (Vae, [[1, 1, 28, 28]]),
    (Generator, [[1, 100, 1, 1]]),
    (LatentGenerator, [[1, 64]]),
    (AssertsSize, [[1, 3, 96, 96]]),
    (Half, [[1, 6]]),
    (OptionalNeeded, [[1, 3, 224, 224], [1, 9]]),
    (Variadic, [[1, 3, 224, 224]]),
    (GatedRnn, [[1, 16, 11]]),
    (OneHot, [[1, 16]]),
    (Tabular, [[1, 16], [1, 6]]),
    (CoordConv, [[1, 3, 224, 224]]),
    (Unet572, [[1, 1, 224, 224]]),
    (LazyHead, [[1, 3, 224, 224]]),
    (Encoder, [[16, 1, 12]]),
    (Attention, [[1, 16, 8], [1, 16, 6]]),
    (Latents, [[1, 4, 32, 32]]),
    (LabelledImage, [[1, 4, 224, 224], [1, 4]]),
    (GraphLayer, [[1, 16, 8], [16, 16]]),
    (LossOfModel, [[1, 3, 224, 224], [1, 3, 224, 224]]),
    (lambda: nn.DataParallel(Siamese()), [[1, 1, 224, 224], [1, 1, 224, 224]]),
]


@pytest.mark.parametrize(("make", "expected"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_typical_models_need_no_configuration(make: Callable[[], nn.Module], expected: list[Any]) -> None:
    assert shapes(inputs_of(make)) == expected


def test_a_model_that_cannot_run_says_what_it_raises_and_what_to_add() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 8, 3)
            self.conv2 = nn.Conv2d(9, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv2(self.conv1(x))

    with pytest.raises(TargetError) as raised:
        inputs_of(Broken)
    message = str(raised.value)
    assert "model.py:Net" in message
    assert "RuntimeError" in message
    assert '[[tool.skiplint.models]] with target = "model.py:Net", inputs = [["B", 3, "H", "W"]]' in message
    assert "\n" not in message
    assert raised.value.attempt is not None
    assert shapes(raised.value.attempt) == [[1, 3, 224, 224]]


class Talkative(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(7, 8)

    def forward(self, x: Tensor) -> Any:
        print("called with", x.shape)
        print("called with", x.shape, file=sys.stderr)
        warnings.warn("a size that broadcasts", stacklevel=1)
        return self.layer(x)


def test_what_a_model_says_of_inputs_that_are_only_tried_is_not_heard(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert shapes(inputs_of(Talkative))[0][-1] == 7
    assert capfd.readouterr() == ("", "")


class Waves(nn.Module):
    """Reads raw audio, to which it adds the axis of channels itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 4, 3)

    def forward(self, y: Any) -> Any:
        y = y.unsqueeze(1)
        batch, channels, length = y.shape
        return self.layer(y.view(batch, channels, length // 4, 4))


def test_the_rank_that_is_unpacked_counts_the_axes_that_were_added_before() -> None:
    (found,) = shapes(inputs_of(Waves))
    assert len(found) == 2


class Forecast(nn.Module):
    """Adds to each step of two series what is known of its time."""

    def __init__(self) -> None:
        super().__init__()
        self.value, self.time = nn.Conv1d(7, 16, 3, padding=1), nn.Linear(4, 16)

    def embedded(self, x: Tensor, mark: Tensor) -> Tensor:
        return self.value(x.transpose(1, 2)).transpose(1, 2) + self.time(mark)

    def forward(self, past: Any, past_mark: Any, future: Any, future_mark: Any) -> Any:
        seen = self.embedded(past, past_mark)
        start = torch.cat([past, torch.zeros(len(future), 8, future.shape[2])], 1)[:, 8:]
        return seen + self.embedded(start, future_mark)


def test_what_belongs_to_the_steps_of_a_sequence_is_as_long_as_the_sequence() -> None:
    past, past_mark, future, future_mark = shapes(inputs_of(Forecast))
    assert past[1] == past_mark[1] == future_mark[1]
    assert (past[2], past_mark[2], future[2], future_mark[2]) == (7, 4, 7, 4)
