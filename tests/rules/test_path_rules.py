"""SKL501 to SKL504 beyond their own examples."""

from __future__ import annotations

import pytest
import torch
import torchvision
from skiplint_rules.excessive_connectivity import ExcessiveConnectivity
from skiplint_rules.no_short_path import NoShortPath
from skiplint_rules.plain_depth import PlainDepth
from skiplint_rules.shallow_effective_depth import ShallowEffectiveDepth
from skiplint_rules.unused_parameters import UnusedParameters
from torch import Tensor, nn

from skiplint.testing import findings_of
from tests.mutation import plants
from tests.mutation.stock import Stock, residual


def image(size: int = 64) -> Tensor:
    return torch.randn(1, 3, size, size, device="meta")


# -- SKL504 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_forgotten_layer_is_found_in_every_block(name: str) -> None:
    model = Stock("torchvision", name).build()
    paths = residual(model)
    for path in paths:
        model.get_submodule(path).forgotten = nn.Conv2d(8, 8, 1, device="meta")
    messages = [finding.message for finding in findings_of(UnusedParameters(), model, image())]
    assert messages == [
        f"{path}.forgotten (72 parameters) is never read by a forward, in training or in evaluation"
        for path in paths
    ]


@pytest.mark.parametrize(
    "name", ["resnet18", "googlenet", "inception_v3", "vit_b_16", "swin_t", "densenet121"]
)
def test_stock_models_read_all_they_have(name: str) -> None:
    slow = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    with torch.device("meta"):
        model = torchvision.models.get_model(name, **slow).eval()
    size = {"inception_v3": 299, "vit_b_16": 224, "swin_t": 224}.get(name, 64)
    assert findings_of(UnusedParameters(), model, image(size)) == []


class Reads(nn.Module):
    """Parameters that are read in roundabout ways."""

    def __init__(self) -> None:
        super().__init__()
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
        self.tied, self.again = nn.Linear(4, 4), nn.Linear(4, 4)
        self.again.weight = self.tied.weight
        self.scale = nn.ParameterList([nn.Parameter(torch.ones(4)) for _ in range(2)])
        self.table = nn.Parameter(torch.randn(6, 4))
        self.frozen = nn.Parameter(torch.randn(4), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.again(self.tied(self.normed(x)))
        for scale in self.scale:
            x = x * scale.data
        return x + self.table[:1] + self.frozen.detach()


def test_what_is_read_in_other_ways_is_used() -> None:
    assert findings_of(UnusedParameters(), Reads(), torch.randn(3, 4)) == []


class Experts(nn.Module):
    """Sends every input to the one expert that scores highest."""

    def __init__(self) -> None:
        super().__init__()
        self.router, self.idle = nn.Linear(4, 6), nn.Linear(4, 4)
        self.experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(6))

    def forward(self, x: Tensor) -> Tensor:
        best = int(self.router(x).sum(0).argmax())
        return self.experts[best](x)


def test_experts_that_no_input_was_sent_to_are_not_unused() -> None:
    findings = findings_of(UnusedParameters(), Experts(), torch.randn(3, 4))
    assert [finding.message.split()[0] for finding in findings] == ["idle"]


class Token(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.mask_token = nn.Parameter(torch.zeros(1, 4))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.fc(x if mask is None else torch.where(mask, self.mask_token, x))


def test_a_single_parameter_is_named_and_can_be_too_small() -> None:
    (finding,) = findings_of(UnusedParameters(), Token(), torch.randn(3, 4))
    assert "the parameter mask_token is never read" in finding.message
    assert finding.location is not None
    assert finding.location.path == __file__
    small = UnusedParameters(UnusedParameters.Options(least=5))
    assert findings_of(small, Token(), torch.randn(3, 4)) == []
    assert findings_of(UnusedParameters(), Token(), torch.randn(3, 4), mask=torch.ones(3, 1) > 0) == []


# -- SKL502 ----------------------------------------------------------------------------------------------


def test_projections_on_every_shortcut_of_a_deep_network() -> None:
    stock = Stock("torchvision", "resnet152")
    assert findings_of(NoShortPath(), stock.build(), image()) == []
    model = stock.build()
    for path in residual(model):
        plants.shortcut(lambda channels: nn.Conv2d(channels, channels, 1))(model.get_submodule(path))
    (finding,) = findings_of(NoShortPath(), model, image())
    assert (finding.actual, finding.expected) == ("52", "at most 40")


class LongAndPlain(nn.Module):
    def __init__(self, plain: int) -> None:
        super().__init__()
        self.plain = nn.Sequential(*(nn.Linear(4, 4) for _ in range(plain)))
        self.block = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.plain(x)
        return x + self.block(torch.relu(self.block(x)))


def test_a_run_of_plain_layers_is_reported_once() -> None:
    model, x = LongAndPlain(50), torch.randn(2, 4)
    assert len(findings_of(PlainDepth(), model, x)) == 1
    assert findings_of(NoShortPath(), model, x) == []


# -- SKL501 and SKL503 -----------------------------------------------------------------------------------


class Stack(nn.Module):
    def __init__(self, gains: list[float]) -> None:
        super().__init__()
        self.gains = gains
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in gains)

    def forward(self, x: Tensor) -> Tensor:
        for gain, layer in zip(self.gains, self.layers, strict=True):
            x = x + gain * layer(x)
        return x


def test_blocks_that_could_go_are_named() -> None:
    torch.manual_seed(0)
    gains = [1e-3] * 14 + [1.0] * 2
    (finding,) = findings_of(ShallowEffectiveDepth(), Stack(gains), torch.randn(4, 8))
    assert "of at most 2 of 16 residual blocks" in finding.message
    assert finding.suggestion is not None
    assert "add, add_1, add_2, add_3 and 10 more could go" in finding.suggestion


def test_few_blocks_are_not_judged() -> None:
    assert findings_of(ShallowEffectiveDepth(), Stack([1e-3] * 6), torch.randn(4, 8)) == []


@pytest.mark.parametrize(
    "rule", [ShallowEffectiveDepth(), ExcessiveConnectivity(ExcessiveConnectivity.Options(bytes=0))]
)
def test_without_weights_they_say_so(rule: ShallowEffectiveDepth | ExcessiveConnectivity) -> None:
    with torch.device("meta"):
        model = torchvision.models.densenet121().eval()
    (finding,) = findings_of(rule, model, image())
    assert finding.message.startswith("cannot be judged: DenseNet has no values in its weights")
