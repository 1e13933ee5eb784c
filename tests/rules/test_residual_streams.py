"""SKL306 to SKL309 and SKL601: what they measure, and where they hold their tongue."""

from __future__ import annotations

import pytest
import torch
from skiplint_rules.deep_post_norm import DeepPostNorm
from skiplint_rules.last_norm_not_zero import LastNormNotZero
from skiplint_rules.residual_variance_growth import ResidualVarianceGrowth
from skiplint_rules.unjustified_skip import UnjustifiedSkip
from skiplint_rules.unscaled_residual_init import UnscaledResidualInit
from torch import Tensor, nn

from skiplint.testing import findings_of


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module, scale: float | None = None) -> None:
        super().__init__()
        self.branch = nn.Sequential(*layers)
        self.scale = None if scale is None else nn.Parameter(torch.full((), scale))

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return x + (y if self.scale is None else y * self.scale)


class Turned(nn.Module):
    """A convolution over tokens."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x.transpose(1, 2)).transpose(1, 2)
        return out


def linear(before: int, after: int, std: float) -> nn.Linear:
    layer = nn.Linear(before, after)
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)
    return layer


def stack(*blocks: nn.Module, width: int = 32) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, width), *blocks)


TOKENS = torch.randn(16, 4)


class TestPostNorm:
    def rows(self, *depths: int) -> nn.Module:
        """Post-norm stacks beside each other, as the encoder and the decoder of a translator."""

        class PostNorm(Residual):
            def forward(self, x: Tensor) -> Tensor:
                return nn.functional.layer_norm(super().forward(x), (32,))

        class Rows(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.stacks = nn.ModuleList(
                    stack(*(PostNorm(nn.Linear(32, 32)) for _ in range(depth))) for depth in depths
                )

            def forward(self, x: Tensor) -> Tensor:
                return torch.stack([row(x) for row in self.stacks]).sum(0)

        return Rows()

    @pytest.mark.parametrize(
        ("depths", "found"), [((24,), ["24"]), ((23,), []), ((12, 12), []), ((24, 36), ["24", "36"])]
    )
    def test_rows_are_counted_apart(self, depths: tuple[int, ...], found: list[str]) -> None:
        findings = findings_of(DeepPostNorm(), self.rows(*depths), TOKENS)
        assert [finding.actual for finding in findings] == found


class TestLastNorm:
    def block(self, weight: float | None, **more: float) -> Residual:
        block = Residual(nn.Linear(32, 32), nn.LayerNorm(32), **more)
        if weight is None:
            nn.init.normal_(block.branch[1].weight)
        else:
            nn.init.constant_(block.branch[1].weight, weight)
        return block

    def test_one_is_found_and_zero_is_not(self) -> None:
        model = stack(self.block(1.0), self.block(0.0))
        (finding,) = findings_of(LastNormNotZero(), model, TOKENS)
        assert finding.node == "1/add"
        assert finding.expected == "1.branch.1.weight = 0"

    def test_trained_weights_are_none_of_its_business(self) -> None:
        assert findings_of(LastNormNotZero(), stack(self.block(None)), TOKENS) == []

    def test_nor_is_a_branch_with_a_scale_of_its_own(self) -> None:
        assert findings_of(LastNormNotZero(), stack(self.block(1.0, scale=0.0)), TOKENS) == []


class TestUnscaledInit:
    def model(self, factor: float, depth: int = 16, up: float = 0.02) -> nn.Sequential:
        blocks = (
            Residual(nn.LayerNorm(32), linear(32, 128, up), nn.GELU(), linear(128, 32, 0.02 * factor))
            for _ in range(depth)
        )
        return stack(*blocks)

    @pytest.mark.parametrize(("factor", "found"), [(1.0, 1), (0.25, 0), (0.0, 0), (0.9, 1)])
    def test_the_factor(self, factor: float, found: int) -> None:
        assert len(findings_of(UnscaledResidualInit(), self.model(factor), TOKENS)) == found

    def test_a_shallow_stream_needs_none(self) -> None:
        assert findings_of(UnscaledResidualInit(), self.model(1.0, depth=11), TOKENS) == []

    def test_the_message_has_the_figures(self) -> None:
        (finding,) = findings_of(UnscaledResidualInit(), self.model(1.0), TOKENS)
        assert finding.node == "1.branch.3"
        assert finding.message.startswith("16 of 16 branches that are added in a row")
        assert finding.expected is not None
        assert finding.expected.startswith("about 0.005")

    def test_a_position_encoding_is_not_judged(self) -> None:
        depthwise = nn.Conv1d(32, 32, 3, padding=1, groups=32)
        blocks = self.model(1.0)[1:]
        encoded = [each for block in blocks for each in (Residual(Turned(depthwise)), block)]
        findings = findings_of(UnscaledResidualInit(), stack(*encoded), TOKENS[None])
        assert [finding.message[:9] for finding in findings] == ["16 of 16 "]
        assert [finding.node for finding in findings] == ["2.branch.3"]

    def test_torchs_own_linear_layers_are_as_wide_as_their_inputs_say(self) -> None:
        """A quarter of the variance at four times the inputs is no scaling."""
        blocks = (
            Residual(nn.LayerNorm(32), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 32)) for _ in range(16)
        )
        assert len(findings_of(UnscaledResidualInit(), stack(*blocks), TOKENS)) == 1


class TestVarianceGrowth:
    def block(self, *first: nn.Module, scale: float | None = None) -> Residual:
        he = (2 / 32) ** 0.5
        return Residual(*first, linear(32, 32, he), nn.ReLU(), linear(32, 32, he), scale=scale)

    def test_each_block_doubles_it(self) -> None:
        model = stack(*(self.block() for _ in range(16)))
        (finding,) = findings_of(ResidualVarianceGrowth(), model, TOKENS)
        assert finding.node == "16/add"
        assert finding.actual is not None
        assert float(finding.actual.split()[0]) > 30, "2^8 if the branch kept the variance exactly"

    def test_a_norm_first_makes_it_linear(self) -> None:
        model = stack(*(self.block(nn.LayerNorm(32)) for _ in range(16)))
        assert findings_of(ResidualVarianceGrowth(), model, TOKENS) == []

    def test_batch_norm_is_measured_as_in_training(self) -> None:
        """In evaluation its first statistics would leave everything as it is."""
        model = stack(*(self.block(nn.BatchNorm1d(32)) for _ in range(16))).eval()
        assert findings_of(ResidualVarianceGrowth(), model, TOKENS) == []
        assert float(model[1].branch[0].running_mean.abs().sum()) == 0, "and the model stays as it was"

    def test_so_does_a_scale_that_starts_at_zero(self) -> None:
        model = stack(*(self.block(scale=0.0) for _ in range(16)))
        assert findings_of(ResidualVarianceGrowth(), model, TOKENS) == []

    def test_an_overflow_is_found(self) -> None:
        blocks = (Residual(linear(32, 32, 1e6), nn.ReLU(), linear(32, 32, 1e6)) for _ in range(16))
        (finding,) = findings_of(ResidualVarianceGrowth(), stack(*blocks), TOKENS)
        assert finding.message.endswith("overflow")


class TestUnjustifiedSkip:
    @pytest.mark.parametrize(
        ("layers", "found"),
        [
            ((nn.Linear(32, 32),), 1),
            ((nn.Linear(32, 32), nn.ReLU()), 0),
            ((nn.ReLU(), nn.Linear(32, 32)), 0),
            ((nn.LayerNorm(32), nn.Linear(32, 32)), 0),
            ((nn.Linear(32, 32), nn.Linear(32, 32)), 0),
        ],
    )
    def test_what_is_in_the_branch(self, layers: tuple[nn.Module, ...], found: int) -> None:
        assert len(findings_of(UnjustifiedSkip(), stack(Residual(*layers)), TOKENS)) == found

    def test_an_expensive_layer_is_not_cheap(self) -> None:
        rule = UnjustifiedSkip(UnjustifiedSkip.Options(weights=1000))
        assert findings_of(rule, stack(Residual(nn.Linear(32, 32))), TOKENS) == []
