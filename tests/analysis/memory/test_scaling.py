"""How real models grow with their inputs, and what only training makes of them."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from skiplint import analyze
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.memory import Memory
from skiplint.analysis.memory.resizing import Resizing
from skiplint.analysis.memory.scaling import Scaling, find_scalings
from skiplint.analysis.memory.sizes import SizeError, analysis_at
from skiplint.analysis.memory.training_mode import depends_on_mode
from tests.analysis.memory.memory_measuring import saved_bytes

FIGURES = ("peak_inference", "saved_for_backward")


def scalings(model: nn.Module, *inputs: Tensor) -> dict[str, Scaling]:
    return {each.dimension: each for each in find_scalings(analyze(model.eval(), *inputs))}


def exponent(scaling: Scaling, figure: str) -> float:
    assert scaling.growth is not None, scaling.reason
    law = scaling.growth.fits[figure]
    assert law is not None
    return law.exponent


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, 2, 1)
        self.norm, self.last = nn.BatchNorm2d(4), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.one(x)
        deep = self.norm(self.two(skip)).relu()
        return self.last(torch.cat([skip, F.interpolate(deep, scale_factor=2)], 1))


IMAGE_MODELS = [
    pytest.param(lambda: torchvision.models.resnet18(weights=None), 64, id="resnet18"),
    pytest.param(UNet, 32, id="unet"),
]


@pytest.mark.parametrize(("make", "side"), IMAGE_MODELS)
def test_images_are_linear_in_the_batch_and_quadratic_in_the_side(make: type[nn.Module], side: int) -> None:
    found = scalings(make(), torch.randn(2, 3, side, side))
    for figure in FIGURES:
        assert exponent(found["batch"], figure) == pytest.approx(1, abs=0.01)
        assert exponent(found["side"], figure) == pytest.approx(2, abs=0.02)
        for scaling in found.values():
            assert scaling.checked_at in (6, 3 * side)
            assert abs(scaling.errors[figure]) < 0.002


def transformer(length: int) -> tuple[nn.Module, Tensor]:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, dropout=0.1)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), torch.randn(2, length, 32)


def test_a_transformer_is_between_linear_and_quadratic_in_the_length() -> None:
    """Dropout on the attention weights makes torch keep them: all pairs of positions."""
    model, x = transformer(64)
    found = scalings(model, x)
    assert exponent(found["batch"], "saved_for_backward") == pytest.approx(1, abs=0.01)
    assert 1.05 < exponent(found["length"], "saved_for_backward") < 2
    assert abs(found["length"].errors["saved_for_backward"]) < 0.05


def test_the_figures_are_those_of_a_model_at_that_size() -> None:
    """Traced without values at another length, against a real run there."""
    model, x = transformer(16)
    resized = analysis_at(analyze(model.eval(), x), Resizing(size=(48, 32)))
    assert resized.memory.saved.nbytes == saved_bytes(model, (torch.randn(2, 48, 32),), {})


def test_channels_are_no_length() -> None:
    found = scalings(nn.Sequential(nn.Conv1d(4, 8, 3), nn.ReLU()), torch.randn(1, 4, 64))
    assert exponent(found["length"], "peak_inference") == pytest.approx(1, abs=0.05)


def test_a_model_of_one_size_says_so() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4))
    side = scalings(model, torch.randn(1, 3, 8, 8))["side"]
    assert side.growth is None
    assert "forward failed" in side.reason


def test_without_the_model_there_is_no_other_size() -> None:
    graph = analyze(UNet().eval(), torch.randn(1, 3, 32, 32)).graph
    with pytest.raises(SizeError, match="only the graph"):
        analysis_at(Analysis(graph), Resizing(2))


class Drops(nn.Module):
    """The dropout is handed to fused attention, which then keeps the attention weights."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.proj(x).unsqueeze(1).chunk(3, -1)
        return F.scaled_dot_product_attention(q, k, v, dropout_p=0.1 if self.training else 0.0)


def by_function(module: nn.Module, x: Tensor) -> Tensor:
    return x.tanh() if module.training else x


class Calls(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return by_function(self, self.layer(x))


@pytest.mark.parametrize(
    "make",
    [
        Drops,
        Calls,
        lambda: nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5, inplace=True), nn.Linear(8, 8)),
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
    ],
    ids=["attention", "function", "in place", "transformer"],
)
def test_what_only_training_does_is_in_what_is_saved(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model, x = make().eval(), torch.randn(2, 6, 8)
    assert depends_on_mode(model)
    memory = analyze(model, x).memory
    assert memory.training_graph.training
    assert memory.saved.nbytes == saved_bytes(model, (x,), {})


def test_no_second_trace_where_nothing_depends_on_the_mode() -> None:
    for model in (UNet(), nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.BatchNorm1d(8))):
        assert not depends_on_mode(model)
    analysis = analyze(UNet().eval(), torch.randn(2, 3, 32, 32))
    assert analysis.memory.training_graph is analysis.graph


def test_a_model_that_cannot_be_traced_in_training_keeps_its_graph() -> None:
    class Single(Calls):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                raise ValueError("not to be trained")
            return self.layer(x)

    analysis = analyze(Single().eval(), torch.randn(2, 8))
    assert analysis.memory.training_graph is analysis.graph
    assert analysis.memory.saved.nbytes == Memory(analysis.graph).saved.nbytes > 0


def test_a_number_beside_the_image_has_no_resolution() -> None:
    """The time step of a diffusion model."""

    class Timed(UNet):
        def forward(self, x: Tensor, step: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(x * step)

    assert len(analyze(Timed().eval(), torch.randn(1, 3, 32, 32), torch.tensor(0.5)).skips) == 1
