"""What rewriting a chain of concatenations saves, against models that are really written so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, fx, nn
from torch.utils.checkpoint import checkpoint

from skiplint import analyze
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.memory.rewriting import Branches, Rewriter, Saving
from skiplint.analysis.memory.rewriting.rewrites import Rewriting
from skiplint.tracing.replay.interpreter import Region
from tests.analysis.memory.memory_measuring import MODELS, MeasuredModel, peak_bytes, saved_bytes

DEPTH, WIDTH = 6, 4
BUFFER_REFUSED = "modified by an inplace operation"


class Layer(nn.Module):
    """Norm, activation, convolution of kernel 1, as in the bottleneck of a DenseNet."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(channels), nn.Conv2d(channels, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        return self.conv(x.relu_())

    def on_parts(self, parts: list[Tensor]) -> Tensor:
        """The same without a concatenation."""
        total: Any = 0
        for place, part in enumerate(parts):
            own = slice(WIDTH * place, WIDTH * place + WIDTH)
            norm = self.norm
            moments = (norm.running_mean[own], norm.running_var[own])
            normed = torch.batch_norm(
                part, norm.weight[own], norm.bias[own], *moments, norm.training, 0.1, norm.eps, True
            )
            bias = self.conv.bias if not place else None
            total = total + nn.functional.conv2d(normed.relu_(), self.conv.weight[:, own], bias)
        return total


class Dense(nn.Module):
    """A dense block in all the ways in which it can be written."""

    def __init__(self, how: str = "list", *, first: bool = True, tail: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(WIDTH * (each + 1)) for each in range(DEPTH))
        self.how = how
        self.first = first
        """Whether the first layer, which joins nothing, is checkpointed too."""
        self.tail = tail
        """Whether the whole block is read at the end."""

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self, f"as_{self.how}")(x.relu())

    def as_list(self, x: Tensor) -> Tensor:
        features = [x]  # `forward`, since the call of a module holds its argument
        del x
        for layer in self.layers[:-1]:
            features.append(layer.forward(torch.cat(features, 1)))
        whole = torch.cat(features, 1)
        features.clear()
        result = self.layers[-1].forward(whole)
        return result + whole[:, :WIDTH] if self.tail else result

    def as_nested(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = torch.cat([x, layer(x)], 1)
        return self.layers[-1](x)

    def as_checkpoint(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:

            def run(*given: Tensor, layer: nn.Module = layer) -> Tensor:
                return layer(torch.cat(given, 1))

            plain = layer is self.layers[0] and not self.first
            features.append(layer(x) if plain else checkpoint(run, *features, use_reentrant=False))
        return features[-1]

    def as_sum(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer.on_parts(features))
        return features[-1]

    def as_buffer(self, x: Tensor) -> Tensor:
        buffer = torch.empty(x.shape[0], WIDTH * len(self.layers), *x.shape[2:])
        for place, layer in enumerate(self.layers):
            buffer[:, WIDTH * place : WIDTH * (place + 1)].copy_(x)
            del x
            x = layer.forward(buffer[:, : WIDTH * (place + 1)])
        return x + buffer[:, :WIDTH] if self.tail else x


def image() -> Tensor:
    return torch.randn(2, WIDTH, 8, 8)


def savings(model: nn.Module, x: Tensor) -> dict[str, Saving]:
    analysis = analyze(model.eval(), x)
    (chain,) = analysis.memory.chains
    return {saving.remedy: saving for saving in analysis.memory.rewriter.savings(chain.joins)}


@pytest.mark.parametrize("how", ["list", "nested"])
@pytest.mark.parametrize("remedy", ["checkpoint", "sum"])
def test_saved_for_backward_is_what_the_rewritten_model_really_saves(how: str, remedy: str) -> None:
    torch.manual_seed(0)
    x = image()
    saving = savings(Dense(how), x)[remedy]
    before, after = (saved_bytes(Dense(form, first=how == "list"), (x,), {}) for form in (how, remedy))
    assert (saving.before.saved, saving.after.saved) == (before, after)
    assert saving.saved == before - after > 0


def test_peak_with_a_buffer_is_what_the_rewritten_model_really_takes() -> None:
    x = image()
    saving = savings(Dense(tail=True), x)["buffer"]
    # Everything that a name holds is read again, so lifetimes are those of the rewriting.
    assert saving.before.peak == peak_bytes(Dense(tail=True), (x,), {})
    assert saving.after.peak == peak_bytes(Dense("buffer", tail=True), (x,), {})
    assert saving.peak > 0


def test_autograd_refuses_a_buffer() -> None:
    """Which is why it counts for inference only."""
    result = Dense("buffer").train()(image())
    with pytest.raises(RuntimeError, match=BUFFER_REFUSED):
        result.sum().backward()


def test_checkpointing_is_what_memory_efficient_does_in_torchvision() -> None:
    x = torch.randn(2, 3, 32, 32)
    analysis = analyze(torchvision.models.densenet121(weights=None).eval(), x)
    names = analysis.graph.operations
    # torchvision leaves the concatenation at the end of a block as it is.
    joins = [join for join in analysis.memory.concatenations if "denselayer" in names[join.operation].module]
    (saving,) = (s for s in analysis.memory.rewriter.savings(joins) if s.remedy == "checkpoint")
    efficient = torchvision.models.densenet121(weights=None, memory_efficient=True)
    assert saving.after.saved == saved_bytes(efficient, (x,), {})
    assert saving.before.saved == saved_bytes(torchvision.models.densenet121(weights=None), (x,), {})
    assert saving.saved > 0.4 * (saving.before.saved or 0)


class Real(fx.Interpreter):
    """Runs a rewritten graph with the values of a model."""

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(target, Region):
            return Real(self.module, graph=target.graph).run(*args)[0]
        return super().call_function(target, args, kwargs)


def rewritten(analysis: Analysis, remedy: str) -> fx.Graph:
    rewriting = Rewriting(analysis.graph)
    branches = Branches(analysis.graph, analysis.memory.concatenations)
    joins = list(branches.joins.values())
    for join in joins:
        for branch in branches.of(join):
            (rewriting.checkpoint if remedy == "checkpoint" else rewriting.sum_of_parts)(branch)
    rewriting.drop(joins)
    return rewriting.fx


@pytest.mark.parametrize("how", ["list", "nested"])
@pytest.mark.parametrize("remedy", ["checkpoint", "sum", "buffer"])
def test_the_rewritten_model_computes_the_same(how: str, remedy: str) -> None:
    torch.manual_seed(0)
    model, x = Dense(how).eval(), image()
    analysis = analyze(model, x)
    if remedy == "buffer":
        (chain,) = analysis.memory.chains
        saving = {each.remedy: each for each in analysis.memory.rewriter.savings(chain.joins)}["buffer"]
        graph = saving.after._graph
    else:
        graph = rewritten(analysis, remedy)
    assert not [node for node in graph.nodes if node.target is torch.cat]
    with torch.no_grad():
        torch.testing.assert_close(Real(model, graph=graph).run(x)[0], model(x))


class Lambda(nn.Module):
    def __init__(self, body: Callable[..., Any]) -> None:
        super().__init__()
        self.body = body
        self.a, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.point, self.wide = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 3)
        self.grouped, self.flat = nn.Conv2d(8, 4, 1, groups=2), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Any:
        return self.body(self, self.a(x), self.b(x))


def branches_of(body: Callable[..., Any]) -> list[tuple[int, bool]]:
    """For each use of each concatenation how many operations it has and whether it is a sum of its parts."""
    analysis = analyze(Lambda(body).eval(), torch.randn(1, 4, 8, 8))
    branches = Branches(analysis.graph, analysis.memory.concatenations)
    uses = [use for join in branches.joins.values() for use in branches.of(join)]
    return [(len(use.operations), use.pointwise) for use in uses]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (lambda m, a, b: m.point(torch.cat([a, b], 1)), [(1, True)]),
        (lambda m, a, b: m.point(torch.cat([a, b], dim=1).relu()), [(2, True)]),
        (lambda m, a, b: m.point(torch.cat([a, b], -3).sigmoid().relu_()), [(3, True)]),
        (lambda m, a, b: m.flat(torch.cat([a, b], -1)), [(1, True)]),
        (lambda m, a, b: m.wide(torch.cat([a, b], 1)), [(1, False)]),
        (lambda m, a, b: m.grouped(torch.cat([a, b], 1)), [(1, False)]),
        (lambda m, a, b: m.point(torch.cat([a, b], 1).softmax(1)), [(2, False)]),
        (lambda m, a, b: m.point(torch.cat([a, b], 1).relu_()), [(2, False)]),
        (lambda m, a, b: (m.point(c := torch.cat([a, b], 1)), m.wide(c)), [(1, True), (1, False)]),
        (lambda m, a, b: torch.cat([a, b], 1), []),
        (lambda m, a, b: m.point(torch.cat([a, b], 1)) + a.relu_(), []),
        (lambda m, a, b: (c := torch.cat([a, b], 1), c.relu_(), m.point(c)), [(1, False)]),
        (lambda m, a, b: (m.point(c := torch.cat([a, b], 1)), c.relu_()), []),
        (lambda m, a, b: m.a(torch.stack([a, b])[0]), []),
    ],
)
def test_uses_of_a_concatenation(body: Callable[..., Any], found: list[tuple[int, bool]]) -> None:
    assert branches_of(body) == found


def test_calls_that_need_values_are_not_measured() -> None:
    def body(m: Lambda, a: Tensor, b: Tensor) -> Tensor:
        joined = torch.cat([a, b], 1)
        return m.point(joined)[a.sum(1, keepdim=True).expand(-1, 4, -1, -1) > 0]

    analysis = analyze(Lambda(body).eval(), torch.randn(1, 4, 8, 8))
    for saving in analysis.memory.rewriter.savings(analysis.memory.concatenations):
        assert (saving.before.saved, saving.saved, saving.peak) == (None, 0, 0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "measured",
    [
        pytest.param(each, id=each.id, marks=() if "resnet18" in each.id and each.quick else pytest.mark.zoo)
        for each in MODELS
    ],
)
def test_a_graph_as_it_was_written_keeps_what_the_model_keeps(measured: MeasuredModel) -> None:
    """The figure before the change is measured in the same way as that after it, and is right."""
    model, args, kwargs = measured.build()
    memory = analyze(model.eval(), *args, **kwargs).memory
    graph = memory.training_graph
    assert Rewriter(graph).as_written.saved == memory.saved.nbytes
