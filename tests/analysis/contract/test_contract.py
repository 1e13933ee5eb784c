"""What small models take, with the reason visible in their code."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiplint import Analysis
from skiplint.analysis.contract import Contract
from skiplint.analysis.contract.axes import free_axes
from skiplint.analysis.contract.contract import contract_in_words
from skiplint.analysis.flow import feature_flow
from skiplint.tracing import Subject, trace
from tests.analysis.contract.volumes import Normed


def contract_of(model: nn.Module, *inputs: Tensor) -> Contract:
    contract = Analysis(trace(model, *inputs), Subject(model, inputs, {})).contract
    assert contract is not None
    return contract


class UNet(nn.Module):
    """Two levels, the decoder doubles what the poolings halved."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)])
        self.up = nn.ModuleList([nn.Conv2d(8, 4, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)])

    def check(self, x: Tensor) -> None:
        """Nothing."""

    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        skips = []
        for layer in self.layers:
            x = layer(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        for layer in self.up:
            x = layer(torch.cat([F.interpolate(x, scale_factor=2), skips.pop()], 1))
        return x


def test_two_poolings_ask_for_multiples_of_four() -> None:
    contract = contract_of(UNet(), torch.rand(1, 3, 32, 48))
    assert contract_in_words(contract) == "height and width must be multiples of 4"
    failure = contract.failures[0]
    assert failure.kind == "join"
    assert failure.node == "cat_1"
    assert failure.inputs == ((1, 3, 33, 49),)
    assert failure.operands == ((1, 4, 32, 48), (1, 4, 33, 49))
    assert contract.accepts((4, 8))
    assert not contract.accepts((4, 9))


class Checked(UNet):
    def check(self, x: Tensor) -> None:
        if x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError("height and width must be multiples of 4")


class Asserting(UNet):
    def check(self, x: Tensor) -> None:
        assert x.shape[2] % 4 == 0


class TorchAsserting(UNet):
    def check(self, x: Tensor) -> None:
        torch._assert(x.shape[2] % 4 == 0, "no")


@pytest.mark.parametrize("kind", [Checked, Asserting, TorchAsserting])
def test_a_check_of_the_models_own_is_told_apart(kind: type[UNet]) -> None:
    contract = contract_of(kind(), torch.rand(1, 3, 32, 32))
    assert contract.failures[0].kind == "check"
    assert contract_in_words(contract) == "height and width must be multiples of 4"


def test_a_decoder_that_resizes_to_the_skip_takes_any_size() -> None:
    class Resizing(UNet):
        def forward(self, x: Tensor) -> Tensor:
            skip = self.layers[0](x)
            low = F.interpolate(F.max_pool2d(skip, 2, ceil_mode=True), size=skip.shape[2:])
            return self.up[0](torch.cat([low, skip], 1))

    assert contract_of(Resizing(), torch.rand(1, 3, 32, 32)).free


def test_a_kernel_needs_room() -> None:
    contract = contract_of(nn.Conv1d(2, 4, 7), torch.rand(1, 2, 20))
    assert contract_in_words(contract) == "T must be at least 7"
    assert contract.failures[0].inputs == ((1, 2, 6),)


def test_a_linear_layer_fixes_the_image() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(2 * 28 * 28, 10))
    assert contract_in_words(contract_of(model, torch.rand(1, 1, 28, 28))) == (
        "height and width must be 28; each with the others as in the example"
    )


def test_a_transpose_asks_for_a_square() -> None:
    class Square(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.conv(x).transpose(2, 3)

    contract = contract_of(Square(), torch.rand(1, 3, 20, 20))
    assert contract.equal == (0, 1)
    assert contract_in_words(contract) == "height must equal width, or one of them be 1"
    assert_true_on_a_grid(Square(), contract, 1, 3)


def assert_true_on_a_grid(model: nn.Module, contract: Contract, *first: int, top: int = 40) -> None:
    """Every point of a grid is accepted if and only if the model runs there."""
    model = model.to("meta")
    wrong = []
    for point in product(range(1, top + 1), repeat=len(contract.axes)):
        try:
            model(torch.empty(*first, *point, device="meta"))
        except (RuntimeError, ValueError):
            runs = False
        else:
            runs = True
        if contract.accepts(point) != runs:
            wrong.append(point)
    assert wrong == []


def test_where_one_beside_others_follows_no_rule_no_rule_is_claimed() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 3, 2, 1), nn.InstanceNorm2d(4)
            self.up = nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = F.interpolate(self.up(self.norm(self.conv(x))), size=x.shape[2:])
            return y + y.mT

    contract = contract_of(Normed(), torch.rand(1, 3, 20, 20))
    assert not contract.independent
    assert contract_in_words(contract) == (
        "height must equal width; height and width must be at least 3; other combinations may differ"
    )


class Mirrored(nn.Module):
    """The sum of a volume and its mirror image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x + x.transpose(2, 3)


@pytest.mark.parametrize("size", [8, 12])
def test_two_of_three_sizes_may_have_to_be_the_same(size: int) -> None:
    contract = contract_of(Mirrored(), torch.rand(1, 1, 8, 8, size))
    assert contract_in_words(contract) == "depth must equal height, or one of them be 1"
    assert_true_on_a_grid(Mirrored(), contract, 1, 1, top=12)


class Grouped(nn.Module):
    """A group norm with one channel to the group has nothing to measure at a single position."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(4, 4)
        self.down, self.up = nn.Conv2d(4, 4, 3, 8, 1), nn.Upsample(scale_factor=8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return x + self.up(self.down(x))


def test_sizes_that_are_accepted_by_broadcasting_are_tried_together() -> None:
    contract = contract_of(Grouped(), torch.rand(1, 1, 32, 32))
    assert contract_in_words(contract) == (
        "height and width must be multiples of 8 (1 runs too); one of them must be at least 8"
    )
    assert_true_on_a_grid(Grouped(), contract, 1, 1)


def test_how_large_one_of_the_sizes_has_to_be_may_differ() -> None:
    contract = contract_of(Normed(), torch.rand(1, 1, 8, 16, 16))
    assert contract_in_words(contract) == (
        "height and width must be even (1 runs too); depth must be at least 2, or height or width at least 4"
    )
    assert_true_on_a_grid(Normed(), contract, 1, 1, top=12)


def test_a_product_that_is_fixed_is_not_taken_for_two_sizes() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(2, 2, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 10),
    )
    contract = contract_of(model, torch.rand(1, 1, 28, 28))
    assert not contract.independent
    model(torch.rand(1, 1, 44, 20))


class Spectral(nn.Module):
    """A spectrogram (batch, time, frequency), which convolutions read as an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = nn.Conv2d(1, 4, 3, 2, 1), nn.Linear(4 * 20, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x.unsqueeze(1))
        return self.linear(x.transpose(1, 2).flatten(2))


def test_a_spectrogram_without_channels_has_two_sizes() -> None:
    contract = contract_of(Spectral(), torch.rand(1, 50, 40))
    assert [each.axis.places for each in contract.axes] == [((0, 1),), ((0, 2),)]
    assert contract_in_words(contract) == "width must be from 39 to 40"
    assert_true_on_a_grid(Spectral(), contract, 1, top=50)


def test_a_norm_over_positions_needs_two_of_them() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 2, stride=2), nn.InstanceNorm2d(4))
    contract = contract_of(model, torch.rand(1, 3, 32, 32))
    assert (
        contract_in_words(contract) == "height and width must be at least 2; one of them must be at least 4"
    )
    assert contract.accepts((2, 4))
    assert not contract.accepts((3, 3))


class Language(nn.Module):
    """A table of positions, read by index, so that nothing fails without values."""

    def __init__(self, offset: int = 0) -> None:
        super().__init__()
        self.words = nn.Embedding(30, 8)
        self.positions = nn.Embedding(100 + offset, 8)
        self.head = nn.Linear(8, 30)
        self.offset = offset

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.words(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device) + self.offset)
        if mask is not None:
            x = x * mask[..., None]
        return self.head(x)


@pytest.mark.parametrize("offset", [0, 2])
def test_a_table_of_positions_ends(offset: int) -> None:
    contract = contract_of(Language(offset), torch.zeros(1, 16, dtype=torch.long))
    assert contract_in_words(contract) == "T must be at most 100"
    assert contract.failures[-1].node == "positions/embedding"


def test_masks_follow_their_ids() -> None:
    contract = contract_of(Language(), torch.zeros(2, 16, dtype=torch.long), torch.ones(2, 16))
    assert [each.axis.places for each in contract.axes] == [((0, 1), (1, 1))]


def test_a_buffer_that_is_cut_ends_too() -> None:
    class Sinusoidal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", torch.zeros(1, 300, 8))
            self.layer = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x + self.table[:, : x.shape[1]])

    contract = contract_of(Sinusoidal(), torch.rand(1, 16, 8))
    assert contract_in_words(contract) == "T must be at most 300"


class Latent(nn.Module):
    """Positions of what is left of a sequence between two convolutions that do not pad."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.down = nn.Conv1d(2, 4, 4, stride)
        self.positions = nn.Parameter(torch.zeros(1, 4, 80))

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return x + self.positions[..., : x.shape[-1]]


@pytest.mark.parametrize(("stride", "last"), [(1, 83), (2, 163)])
def test_a_table_may_be_cut_to_another_length(stride: int, last: int) -> None:
    contract = contract_of(Latent(stride), torch.rand(1, 2, 33))
    assert contract_in_words(contract) == f"T must be from 4 to {last}"


def test_a_batch_that_is_not_free_is_named() -> None:
    class Paired(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv1d(2, 2, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x.reshape(-1, 2, *x.shape[1:]).sum(1))

    assert contract_in_words(contract_of(Paired(), torch.rand(4, 2, 16))) == "batch must be even"


@pytest.mark.parametrize(
    ("model", "shape", "names"),
    [
        (nn.Conv2d(3, 4, 3), (1, 3, 16, 16), ["height", "width"]),
        (nn.Conv3d(1, 4, 3), (1, 1, 16, 16, 16), ["depth", "height", "width"]),
        (nn.Conv1d(8, 4, 3), (1, 8, 16), ["T"]),
        (nn.GRU(8, 4, batch_first=True), (1, 16, 8), ["T"]),
    ],
)
def test_sizes_have_names(model: nn.Module, shape: tuple[int, ...], names: list[str]) -> None:
    contract = contract_of(model, torch.rand(shape))
    assert [each.axis.name for each in contract.axes] == names


class Denoiser(nn.Module):
    """As FFDNet: one noise level for all of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.conv(torch.cat([x, sigma.repeat(1, 1, x.shape[2], x.shape[3])], 1))  # type: ignore[no-any-return]


def test_what_is_spread_over_an_image_has_no_size() -> None:
    graph = trace(Denoiser(), torch.rand(1, 3, 32, 32), torch.rand(1, 1, 1, 1))
    assert [axis.name for axis in free_axes(feature_flow(graph))] == ["height", "width"]


def test_features_are_no_size() -> None:
    model, x = nn.Linear(8, 4), torch.rand(3, 8)
    assert Analysis(trace(model, x), Subject(model, (x,), {})).contract is None


def test_without_the_model_nothing_is_claimed() -> None:
    assert Analysis(trace(UNet(), torch.rand(1, 3, 32, 32))).contract is None


def test_the_model_stays_as_it_was() -> None:
    model: Any = UNet().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    contract_of(model, torch.rand(1, 3, 32, 32))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
