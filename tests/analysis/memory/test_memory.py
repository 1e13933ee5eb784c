"""Concatenations, lifetimes and growth on models small enough to know the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from skiplint import analyze
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.memory.growth import fit_growth, fit_power_law
from skiplint.analysis.memory.lifetimes import module_calls
from skiplint.graph import ModelGraph
from skiplint.tracing import trace

MIB = 2**20


class Lambda(nn.Module):
    def __init__(self, body: Callable[..., object], **modules: nn.Module) -> None:
        super().__init__()
        self.body = body
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *inputs: Tensor) -> object:
        return self.body(self, *inputs)


def analysis_of(body: Callable[..., object], *shape: int, **modules: nn.Module) -> Analysis:
    return analyze(Lambda(body, **modules).eval(), torch.randn(*shape or (1, 4, 8, 8)))


KB = 4 * 8 * 8 * 4  # one (1, 4, 8, 8) tensor of floats


class TestConcatenations:
    def test_one(self) -> None:
        memory = analysis_of(lambda _, x: torch.cat([x.relu(), x.tanh()], 1)).memory
        (one,) = memory.concatenations
        assert (one.allocated, one.distinct, one.ratio) == (2 * KB, 2 * KB, 1.0)

    def test_nested_are_resolved_to_their_features(self) -> None:
        def body(_: nn.Module, x: Tensor) -> Tensor:
            a, b, c = x.relu(), x.tanh(), x.exp()
            return torch.cat([torch.cat([a, b], 1), c], 1)

        totals = analysis_of(body).memory.totals
        assert (totals.allocated, totals.distinct) == (5 * KB, 3 * KB)
        assert sorted(copies for _, copies in totals.copies) == [1, 2, 2]

    def test_a_chain_copies_the_first_most(self) -> None:
        def body(_: nn.Module, x: Tensor) -> Tensor:
            y = x.relu()
            for _step in range(5):
                y = torch.cat([y, x.tanh()], 1)
            return y

        totals = analysis_of(body).memory.totals
        assert totals.allocated == (2 + 3 + 4 + 5 + 6) * KB
        assert totals.distinct == 6 * KB
        assert [copies for _, copies in totals.copies] == [5, 5, 4, 3, 2, 1]

    def test_the_same_feature_twice_is_one(self) -> None:
        totals = analysis_of(lambda _, x: torch.cat([y := x.relu(), y], 1)).memory.totals
        assert (totals.allocated, totals.distinct, totals.blowup) == (2 * KB, KB, 2.0)

    def test_a_view_of_all_is_looked_through_and_a_part_is_not(self) -> None:
        def body(_: nn.Module, x: Tensor) -> Tensor:
            both = torch.cat([x.relu(), x.tanh()], 1)
            whole = both.view(1, 2, 4, 8, 8).flatten(1, 2)
            return torch.cat([whole, both[:, :4]], 1)

        last = analysis_of(body).memory.concatenations[-1]
        assert [feature.nbytes for feature in last.features] == [KB, KB, KB]

    def test_stack(self) -> None:
        assert analysis_of(lambda _, x: torch.stack([x, x.relu()])).memory.totals.allocated == 2 * KB

    def test_slices_of_one_buffer(self) -> None:
        def body(_: nn.Module, x: Tensor) -> Tensor:
            buffer = x.new_empty(1, 8, 8, 8)
            buffer[:, :4] = x.relu()
            buffer[:, 4:] = x.tanh()
            return buffer

        totals = analysis_of(body).memory.totals
        assert (totals.allocated, totals.distinct) == (2 * KB, 2 * KB)

    def test_none(self) -> None:
        memory = analysis_of(lambda _, x: x.relu()).memory
        assert memory.concatenations == ()
        assert memory.totals.blowup == 1.0
        assert memory.peak_without_concatenations == memory.peak.nbytes
        assert memory.saved_without_concatenations == memory.saved.nbytes

    def test_a_deep_chain_takes_linear_time(self) -> None:
        def body(_: nn.Module, x: Tensor) -> Tensor:
            y = x
            for _step in range(3000):
                y = torch.cat([y[:, :1], x[:, :1]], 1)
            return y

        assert len(analysis_of(body, 1, 2, 1, 1).memory.totals.copies) > 3000


class TestSaved:
    def saved(self, body: Callable[..., object], **modules: nn.Module) -> list[int]:
        storages = analysis_of(body, **modules).memory.saved.storages
        return sorted(storage.nbytes for storage in storages if storage.origin != "state")

    @pytest.mark.parametrize(
        ("body", "saved"),
        [
            (lambda m, x: m.conv(x), [KB]),
            (lambda m, x: m.conv(m.conv(x)), [KB, KB]),
            (lambda m, x: m.conv(x).relu(), [KB, KB]),
            (lambda m, x: m.conv(x).relu_(), [KB, KB]),
            (lambda m, x: F.gelu(m.conv(x)), [KB, KB]),
            (lambda m, x: m.conv(x) * x, [KB]),
            (lambda m, x: (y := m.conv(x)) * y.tanh(), [KB, KB, KB]),
            (lambda m, x: m.conv(x) + x, [KB]),
            (lambda m, x: x.relu().tanh(), []),
            (lambda m, x: m.conv(x).softmax(1), [KB, KB]),
            (lambda m, x: m.conv(x).detach().relu(), [KB]),
            (lambda m, x: m.norm(m.conv(x)), [16, 16, KB, KB]),
            (lambda m, x: m.drop(m.conv(x)), [KB, KB]),
            (lambda m, x: F.max_pool2d(m.conv(x), 2), [KB // 2, KB, KB]),
            (lambda m, x: m.conv(x).flatten(1), [KB]),
            (lambda m, x: torch.cat([m.conv(x), x], 1), [KB]),
        ],
    )
    def test_what_an_operation_keeps(self, body: Callable[..., object], saved: list[int]) -> None:
        modules = {"conv": nn.Conv2d(4, 4, 1), "norm": nn.BatchNorm2d(4), "drop": nn.Dropout(0.5)}
        assert self.saved(body, **modules) == saved

    def test_evaluation_mode_of_the_trace_does_not_matter(self) -> None:
        model = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 4, 1))
        x = torch.randn(2, 4, 8, 8)
        assert (
            analyze(model.eval(), x).memory.saved.nbytes == analyze(model.train(), x).memory.saved.nbytes > 0
        )

    def test_the_model_and_the_random_state_are_left_alone(self) -> None:
        model = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5)).train()
        analysis = analyze(model, torch.randn(2, 4, 8, 8))
        before = torch.get_rng_state(), model[1].running_mean.clone()
        assert analysis.memory.saved.nbytes
        assert analysis.memory.peak.nbytes
        assert torch.equal(before[0], torch.get_rng_state())
        assert torch.equal(before[1], model[1].running_mean)
        assert torch.is_grad_enabled()

    def test_calls_that_need_values_are_named(self) -> None:
        memory = analysis_of(lambda m, x: m.conv(x[x > 0].view(1, 1, -1)), conv=nn.Conv1d(1, 1, 1)).memory
        assert memory.saved.assumed

    def test_a_concatenation_is_saved_in_place_of_its_features(self) -> None:
        def body(m: nn.Module, x: Tensor) -> Tensor:
            a = m.one(x)
            return m.two(torch.cat([a, a.tanh()], 1))

        memory = analysis_of(body, one=nn.Conv2d(4, 4, 1), two=nn.Conv2d(8, 4, 1)).memory
        # The input, tanh's result and the concatenation; without it the first convolution's result.
        assert memory.saved.nbytes == KB + KB + 2 * KB
        assert memory.saved_without_concatenations == KB + KB + KB


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, 2, 1)
        self.three, self.last = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.one(x)
        deep = self.three(self.two(skip))
        return self.last(torch.cat([skip, F.interpolate(deep, scale_factor=2)], 1))


class TestPeak:
    def test_a_chain_holds_two(self) -> None:
        peak = analysis_of(lambda _, x: x.relu().tanh().exp().sin()).memory.peak
        assert peak.nbytes == 2 * KB

    def test_in_place_and_views_take_nothing(self) -> None:
        peak = analysis_of(lambda _, x: x.relu().tanh_().view(1, -1).exp_()).memory.peak
        assert peak.nbytes == KB

    def test_workspace_of_a_product_of_views(self) -> None:
        def body(_: nn.Module, x: Tensor) -> Tensor:
            heads = x.transpose(1, 2)  # has to be copied into one batch of matrices
            return heads @ heads.transpose(-1, -2)

        peak = analysis_of(body, 2, 3, 8, 8).memory.peak
        assert peak.workspace == 2 * 2 * 3 * 8 * 8 * 4

    def test_the_caller_holds_the_arguments_of_a_module(self) -> None:
        block = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))
        memory = analyze(nn.Sequential(nn.Conv2d(4, 4, 1), block), torch.randn(1, 4, 8, 8)).memory
        assert memory.peak.nbytes == 3 * KB

    def test_unet_names_the_encoder_feature(self) -> None:
        analysis = analyze(UNet().eval(), torch.randn(1, 4, 8, 8))
        (held,) = analysis.memory.held_skips
        names = analysis.graph.operations
        assert (names[held.born].id, names[held.idle_from].id) == ("one", "two")
        assert (names[held.join].name, held.nbytes) == ("cat", KB)
        assert analysis.memory.peak.nbytes == KB + KB + 2 * KB + KB // 4  # the last is what `deep` names
        assert analysis.memory.peak_without_concatenations == KB + KB + KB + KB // 4

    def test_readers_count_where_the_trace_noted_nothing(self) -> None:
        graph = trace(UNet().eval(), torch.randn(1, 4, 8, 8))
        assert Analysis(replace(graph, alive_until={})).memory.peak.nbytes == KB + KB + 2 * KB

    def test_empty_graph(self) -> None:
        memory = analyze(nn.Identity(), torch.randn(1, 2)).memory
        assert memory.peak.nbytes == memory.saved.nbytes == memory.totals.allocated == 0

    def test_inputs_and_state_are_apart(self) -> None:
        memory = analyze(nn.Linear(3, 5), torch.randn(2, 3)).memory
        assert (memory.input_bytes, memory.state_bytes) == (2 * 3 * 4, (15 + 5) * 4)

    def test_calls_of_modules_follow_each_other(self) -> None:
        block = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())
        graph = trace(nn.Sequential(block, block), torch.randn(1, 4, 8, 8))
        spans = [(call.start, call.stop) for call in module_calls(graph.operations) if call.path == "0.0"]
        assert len(spans) == 2


DENSENETS = {
    "densenet121": (34.69, 5.55, 4.12, 58),
    "densenet169": (46.03, 5.86, 4.40, 82),
    "densenet201": (65.75, 6.29, 4.79, 98),
    "densenet161": (72.03, 8.88, 6.68, 78),
}


@pytest.mark.parametrize("name", DENSENETS)
def test_published_densenets(name: str) -> None:
    """Layer joins, block-final joins and new features at 224x224, batch 1, in MiB."""
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None).eval()
        analysis = analyze(model, torch.empty(1, 3, 224, 224))
    operations = analysis.graph.operations
    joins = analysis.memory.concatenations
    inside = [join for join in joins if "denselayer" in operations[join.operation].module]
    final = [join for join in joins if "denselayer" not in operations[join.operation].module]
    features = {feature for join in joins for feature in join.features}
    new = [feature for feature in features if operations[feature.producer].module.endswith("conv2")]
    found = (
        round(sum(join.allocated for join in inside) / MIB, 2),
        round(sum(join.allocated for join in final) / MIB, 2),
        round(sum(feature.nbytes for feature in new) / MIB, 2),
        len(new),
    )
    assert found == DENSENETS[name]


class Dense(nn.Module):
    """A dense block, naive or with the features written into one buffer that all layers share."""

    def __init__(self, depth: int, shared: bool) -> None:
        super().__init__()
        self.shared = shared
        self.layers = nn.ModuleList(nn.Conv2d(4 * (each + 1), 4, 3, padding=1) for each in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        return self.in_one_buffer(x) if self.shared else self.naive(x)

    def naive(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)

    def in_one_buffer(self, x: Tensor) -> Tensor:
        buffer = x.new_empty(1, 4 * (len(self.layers) + 1), 8, 8)
        buffer[:, :4] = x
        for place, layer in enumerate(self.layers, 1):
            buffer[:, 4 * place : 4 * place + 4] = layer(buffer[:, : 4 * place])
        return buffer


def dense(depth: int, shared: bool) -> ModelGraph:
    return trace(Dense(depth, shared).eval(), torch.randn(1, 4, 8, 8))


DEPTHS = (16, 32, 64, 96)


def test_naive_densenets_are_quadratic_in_depth() -> None:
    """Pleiss et al. 2017: every layer copies all features before it."""
    growth = fit_growth(lambda depth: dense(depth, shared=False), DEPTHS)
    assert growth.bytes["concat_allocated"] == tuple(
        KB * (sum(range(1, depth + 1)) + depth + 1) for depth in DEPTHS
    )
    for figure in ("concat_allocated", "saved_for_backward"):
        fit = growth.fits[figure]
        assert fit is not None
        assert fit.exponent == pytest.approx(2, abs=0.12)
        assert fit.error < 0.05


def test_shared_storage_is_linear_in_depth() -> None:
    growth = fit_growth(lambda depth: dense(depth, shared=True), DEPTHS)
    naive = fit_growth(lambda depth: dense(depth, shared=False), DEPTHS)
    for fit in (growth.fits["concat_allocated"], naive.fits["concat_distinct"]):
        assert fit is not None
        assert fit.exponent == pytest.approx(1, abs=0.05)
        assert fit.error < 0.02


def test_what_a_concatenation_adds_is_quadratic_too() -> None:
    without = [analysis.memory.saved_without_concatenations for analysis in map(_dense_analysis, DEPTHS)]
    fit = fit_power_law(DEPTHS, without)
    assert fit is not None
    assert fit.exponent == pytest.approx(1, abs=0.05)


def _dense_analysis(depth: int) -> Analysis:
    return Analysis(dense(depth, shared=False))


class TestGrowth:
    def test_batch_is_linear(self) -> None:
        model = UNet().eval()
        growth = fit_growth(lambda batch: trace(model, torch.randn(batch, 4, 16, 16)), (1, 2, 4))
        for fit in growth.fits.values():
            assert fit is not None
            assert fit.exponent == pytest.approx(1)
            assert fit.error < 1e-9

    def test_resolution_is_quadratic(self) -> None:
        model = UNet().eval()
        growth = fit_growth(lambda side: trace(model, torch.randn(1, 4, side, side)), (16, 32, 64))
        fit = growth.fits["peak_inference"]
        assert fit is not None
        assert fit.exponent == pytest.approx(2)
        real = Analysis(trace(model, torch.randn(1, 4, 256, 256))).memory.peak.nbytes
        assert fit.at(256) == pytest.approx(real)

    @pytest.mark.parametrize(("fused", "exponent"), [(True, 1), (False, 2)])
    def test_attention_in_the_length_of_the_sequence(self, fused: bool, exponent: int) -> None:
        def attention(_: nn.Module, x: Tensor) -> Tensor:
            y = _.proj(x).unsqueeze(1)
            if fused:
                return F.scaled_dot_product_attention(y, y, y)
            return (y @ y.transpose(-1, -2)).softmax(-1) @ y

        model = Lambda(attention, proj=nn.Linear(4, 4)).eval()
        growth = fit_growth(lambda length: trace(model, torch.randn(1, length, 4)), (256, 512, 1024))
        fit = growth.fits["saved_for_backward"]
        assert fit is not None
        assert fit.exponent == pytest.approx(exponent, abs=0.1)

    def test_nothing_to_fit(self) -> None:
        model = nn.ReLU()
        growth = fit_growth(lambda batch: trace(model, torch.randn(batch, 3)), (1, 2))
        assert growth.fits["concat_allocated"] is None
        with pytest.raises(ValueError, match="two different sizes"):
            fit_power_law((2, 2), (1, 1))
