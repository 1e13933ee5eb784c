"""What a trace records, where its locations are, and how it fails."""

from __future__ import annotations

import functools
import gc
import inspect
import pickle
import weakref

import networkx
import pytest
import torch
import torchvision
from torch import Tensor, fx, nn

from skiplint.tracing import TraceError, dry_run, trace, trace_call

IMAGE = torch.zeros(1, 3, 64, 64)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        return y + x


def test_names_are_module_paths():
    graph = trace(nn.Sequential(Block(), Block()), IMAGE)
    calls = [op.id for op in graph if op.kind == "call" and op.data]
    assert calls == ["0.conv", "0.norm", "0/add", "1.conv", "1.norm", "1/add"]


def test_locations_are_the_users_lines():
    graph = trace(Block(), IMAGE)
    first = inspect.getsourcelines(Block.forward)[1]
    add = graph.by_id["add"].location
    assert (add.path, add.line, add.function) == (__file__, first + 2, "forward")
    assert graph.by_id["norm"].location.line == first + 1
    if hasattr(Block.forward.__code__, "co_positions"):
        assert (add.column, add.end_line, add.end_column) == (16, add.line, 21)


def test_a_library_s_lines_come_after_the_users():
    class Wraps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = torchvision.models.resnet18()

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x)

    add = trace(Wraps().eval(), IMAGE).by_id["net.layer1.0/add_"]
    assert add.location.path == __file__
    assert add.stack[1].path.endswith("resnet.py")
    direct = trace(torchvision.models.resnet18().eval(), IMAGE).by_id["layer1.0/add_"]
    assert direct.location.path.endswith("resnet.py")


def test_networkx_view():
    class Doubled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + x

    graph = trace(Doubled(), IMAGE)
    assert networkx.is_frozen(graph.nx)
    assert networkx.is_directed_acyclic_graph(graph.nx)
    assert graph.nx.number_of_edges("input/x", "add") == 2
    assert graph.nx.nodes["add"]["operation"] is graph.by_id["add"]


def test_the_fx_graph_computes_the_same():
    model = torchvision.models.resnet18(num_classes=10).eval()
    image = torch.randn(1, 3, 64, 64)
    module = fx.GraphModule(model, trace(model, image).fx)
    torch.testing.assert_close(module(image)[0], model(image))


def test_a_graph_survives_pickling_without_its_functions():
    graph = pickle.loads(pickle.dumps(trace(Block(), IMAGE)))
    assert graph.by_id["0.conv" if "0.conv" in graph.by_id else "conv"].weighted
    with pytest.raises(RuntimeError, match="trace the model again"):
        _ = graph.fx


@pytest.mark.parametrize("backend", ["meta", "fake", "eager"])
def test_the_model_is_as_before(backend: str):
    """Weights, buffers, attributes, hooks, mode and random state."""

    class Counting(Block):
        calls, cache = 0, None

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.cache = x
            return super().forward(x) + torch.rand(1)

    model = Counting().train()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    weights = {name: id(parameter) for name, parameter in model.named_parameters()}
    keys = {name: set(vars(module)) for name, module in model.named_modules()}
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    image = IMAGE.clone()
    trace_call(model, (image,), {}, backends=[backend])
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert weights == {name: id(parameter) for name, parameter in model.named_parameters()}
    assert keys == {name: set(vars(module)) for name, module in model.named_modules()}
    assert (model.calls, model.cache, model.training) == (0, None, True)
    assert torch.is_grad_enabled()
    assert not torch.nn.modules.module._global_forward_hooks
    assert model(image).device.type == "cpu"


def test_caches_of_the_forward_keep_no_tensor_without_values():
    @functools.lru_cache
    def positions(count: int) -> Tensor:
        return torch.arange(count, dtype=torch.float32)

    class Cached(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + positions(x.shape[-1])

    assert trace(Cached(), IMAGE).backend == "meta"
    assert Cached()(IMAGE).sum() > 0


def test_a_forward_that_only_runs_with_values_is_run_with_values():
    """Kernels may check less without values, or more; the real run decides."""

    class Particular(Block):
        def forward(self, x: Tensor) -> Tensor:
            if x.device.type != "cpu" or type(x) is not Tensor:
                raise RuntimeError("Expected something else")
            return super().forward(x)

    assert trace(Particular(), IMAGE).backend == "eager"


def test_attributes_that_refuse_to_change_are_left_alone():
    """Configurations in real libraries are frozen subclasses of dict."""

    class Frozen(dict):
        def update(self, *args, **kwargs):
            raise TypeError("frozen")

        clear = update

    model = Block().eval()
    model.config = Frozen(width=3)
    assert trace(model, IMAGE).count()["add"] == 1
    assert model.config == {"width": 3}


def test_eager_tracing_keeps_no_activation_alive(capsys):
    references: list[weakref.ref[Tensor]] = []

    class Watch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 2
            references.append(weakref.ref(y))
            gc.collect()
            print(sum(reference() is not None for reference in references))  # a list would be put back
            return y

    trace_call(nn.Sequential(*(Watch() for _ in range(6))), (IMAGE,), {}, backends=["eager"])
    alive = [int(line) for line in capsys.readouterr().out.split()]
    assert len(alive) == 6
    assert max(alive) <= 2


def test_a_model_without_weights_is_traced_on_meta():
    """70 billion parameters need no memory when the model is built on the meta device."""
    with torch.device("meta"):
        model = nn.Sequential(*(nn.Linear(32768, 32768, bias=False) for _ in range(65)))
    graph = trace(model, torch.zeros(1, 32768))
    assert graph.parameters > 69e9
    assert graph.backend == "meta"


class Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x[:, :3])


def test_an_error_names_the_users_line():
    line = inspect.getsourcelines(Broken.forward)[1] + 1
    with pytest.raises(
        TraceError, match=rf"Broken\.forward failed at .*test_trace\.py:{line}: RuntimeError: "
    ):
        trace(Broken(), torch.zeros(2, 4))
    error = dry_run(Broken(), (torch.zeros(2, 4),), {})
    assert isinstance(error, RuntimeError)
    assert dry_run(Broken(), (torch.zeros(2, 5),), {}) is not None


def test_a_model_that_needs_values_but_has_no_weights_says_so():
    class Branches(Broken):
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x) if self.linear.weight.sum() > 0 else x

    with torch.device("meta"):
        model = Branches()
    with pytest.raises(TraceError) as caught:
        trace(model, torch.zeros(2, 4))
    assert caught.value.needs_values
