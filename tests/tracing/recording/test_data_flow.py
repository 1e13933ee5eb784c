"""The data flow of everything that PyTorch lets a forward do arrives whole in the graph."""

from __future__ import annotations

import dataclasses
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from skiplint.graph import ModelGraph
from skiplint.tracing import trace

X = torch.zeros(2, 4)
SERIES = torch.zeros(3, 2, 4)


class Calls(nn.Module):
    """A linear layer and a function that uses it, so that a test is one expression."""

    def __init__(self, function) -> None:
        super().__init__()
        self.linear, self.function = nn.Linear(4, 4), function

    def forward(self, *args, **kwargs):
        return self.function(self.linear, *args, **kwargs)


def graph_of(model, *args, **kwargs) -> ModelGraph:
    """Trace, and check what holds for every graph."""
    model = model if isinstance(model, nn.Module) else Calls(model)
    graph = trace(model.eval(), *args, **kwargs)
    assert all(operand.producer < operation.index for operation in graph for operand in operation.operands)
    assert len(graph.by_id) == len(graph)
    return graph


def ancestors(graph: ModelGraph, start: int | None = None) -> set[str]:
    """Ids of all that the output (or operation ``start``) is computed from."""
    pending, seen = [graph.operations[-1].index if start is None else start], set()
    while pending:
        for operand in graph.operations[pending.pop()].operands:
            if operand.producer not in seen:
                seen.add(operand.producer)
                pending.append(operand.producer)
    return {graph.operations[index].id for index in seen}


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x * x

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        return grad


def test_custom_autograd_function():
    graph = graph_of(lambda linear, x: Square.apply(linear(x)) + x, X)
    assert graph.count() == {"linear": 1, "mul": 1, "add": 1}
    assert "linear" in ancestors(graph)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_torchscript_function_and_module():
    @torch.jit.script
    def scripted(x: Tensor, w: Tensor) -> Tensor:
        return torch.relu(x @ w) + x

    graph = graph_of(lambda linear, x: scripted(x, linear.weight), X)
    assert {"input/args[0]", "linear.weight"} <= ancestors(graph)
    graph = graph_of(torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))), X)
    assert sum(operation.weighted for operation in graph) == 2
    assert len([op for op in graph if op.kind == "input" and op.id in ancestors(graph)]) == 1


def test_compiled_submodule():
    model = nn.Sequential(torch.compile(nn.Sequential(nn.Linear(4, 4), nn.ReLU())), nn.Linear(4, 4))
    assert graph_of(model, X).count() == {"linear": 2, "relu": 1}


@pytest.mark.parametrize("reentrant", [True, False])
def test_activation_checkpointing(reentrant: bool):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = graph_of(lambda linear, x: checkpoint(linear, x, use_reentrant=reentrant) + x, X)
    assert [op.name for op in graph if op.data and op.kind == "call"] == ["linear", "add"]


def test_vmap():
    graph = graph_of(lambda linear, x: torch.func.vmap(lambda v: torch.tanh(linear.weight @ v))(x) + x, X)
    assert {"tanh", "linear.weight"} <= ancestors(graph)
    assert sum(operation.weighted for operation in graph) == 1


def test_a_module_used_several_times():
    graph = graph_of(lambda linear, x: linear(linear(linear(x))), X)
    assert [op.id for op in graph if op.weighted] == ["linear", "linear#1", "linear#2"]
    assert [op.call for op in graph if op.weighted] == [0, 1, 2]


def test_tied_weights():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10, bias=False))
    model[1].weight = model[0].weight
    graph = graph_of(model, torch.zeros(2, 3, dtype=torch.long))
    assert [op.parameters for op in graph if op.weighted] == [("0.weight",), ("0.weight",)]
    assert graph.parameters == 40


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weight_norm_and_parametrisations():
    for wrap in (
        nn.utils.weight_norm,
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
        nn.utils.parametrizations.orthogonal,
    ):
        graph = graph_of(wrap(nn.Linear(4, 4)), X)
        assert sum(operation.weighted for operation in graph) == 1, wrap


def test_lazy_modules_stay_lazy():
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(3))
    graph = graph_of(model, torch.zeros(2, 3, 8, 8))
    assert sum(operation.weighted for operation in graph) == 2
    assert type(model[0]) is nn.LazyConv2d
    assert isinstance(model[3].weight, nn.parameter.UninitializedParameter)
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 3)


def test_recurrent_layers_and_cells():
    for layer in (nn.RNN(4, 5), nn.LSTM(4, 5, 2, bidirectional=True), nn.GRU(4, 5)):
        graph = graph_of(layer, SERIES)
        assert [op.kind for op in graph if op.weighted] == ["call"]
        assert all(graph.operations[operand.producer].data for operand in graph.operations[-1].operands)

    def loop(linear, series):
        state = series.new_zeros(series.shape[1], 4)
        for step in series:
            state = torch.tanh(linear(step) + state)
        return state

    assert sum(operation.weighted for operation in graph_of(loop, SERIES)) == 3


def test_attention_modules_are_opened():
    attention = nn.MultiheadAttention(4, 2)
    graph = graph_of(attention, SERIES, SERIES.clone(), SERIES.clone(), need_weights=False)
    assert sum(operation.weighted for operation in graph) == 4
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    graph = graph_of(nn.TransformerEncoder(layer, 2), SERIES)
    assert graph.count()["scaled_dot_product_attention"] == 2
    assert graph.count()["add"] == 4


def test_einsum():
    graph = graph_of(lambda linear, x: torch.einsum("bi,oi->bo", x, linear.weight), X)
    assert [op.name for op in graph if op.weighted] == ["einsum"]


def test_in_place_operators_make_new_versions():
    def forward(linear, x):
        y = linear(x)
        z = y + 1
        y += x
        return y * z

    graph = graph_of(forward, X)
    add, product = graph.by_id["add_"], graph.by_id["mul"]
    assert (add.inplace, add.outputs[0].storage) == (True, graph.by_id["linear"].outputs[0].storage)
    assert [graph.operations[o.producer].id for o in product.operands] == ["add_", "add"]
    assert [graph.operations[o.producer].id for o in graph.by_id["add"].operands] == ["linear"]


def test_writes_into_slices_reach_the_whole():
    def forward(linear, x):
        buffer = x.new_zeros(x.shape[0], 8)
        buffer[:, :4] = linear(x)
        buffer[:, 4:] = x
        return buffer

    graph = graph_of(forward, X)
    assert {"linear", "input/args[0]", "new_zeros"} <= ancestors(graph)


def test_a_write_through_a_view_reaches_the_base_and_overlapping_views_only():
    def forward(linear, x):
        y = linear(x)
        left, right = y[:, :2], y[:, 2:]
        left.mul_(2)
        return y, right

    graph = graph_of(forward, X)
    whole, right = (graph.operations[operand.producer] for operand in graph.operations[-1].operands)
    assert "mul_" in ancestors(graph, whole.index)
    assert "mul_" not in ancestors(graph, right.index)


def test_out_argument():
    def forward(linear, x):
        out = torch.empty_like(x)
        torch.add(linear(x), x, out=out)
        return out

    graph = graph_of(forward, X)
    assert "linear" in ancestors(graph)
    assert graph.by_id["add"].inplace is False


@dataclasses.dataclass
class Result:
    main: Tensor
    extra: dict[str, Tensor]


def test_structured_inputs_and_outputs():
    def forward(linear, *, batch, flag=True):
        return Result(linear(batch["x"]), {"same": batch["rest"][0]})

    graph = graph_of(forward, batch={"x": X, "rest": [X.clone()]})
    assert [info.name for info in graph.inputs] == ["batch['x']", "batch['rest'][0]"]
    assert [operand.argument for operand in graph.operations[-1].operands] == ["main", "extra['same']"]


def test_hooks_that_change_outputs():
    linear = nn.Linear(4, 4)
    linear.register_forward_hook(lambda module, inputs, output: output + inputs[0])
    assert graph_of(linear, X).count() == {"linear": 1, "add": 1}


def test_recursion_and_generators():
    def halves(x: Tensor):
        for part in x.chunk(2, 1):
            yield part * 2

    def forward(linear, x, depth=3):
        return torch.cat(list(halves(linear(x))), 1) if depth == 0 else forward(linear, linear(x), depth - 1)

    assert graph_of(forward, X).count() == {"linear": 4, "chunk": 1, "mul": 2, "cat": 1}


def test_data_parallel_is_looked_through():
    assert graph_of(nn.DataParallel(nn.Linear(4, 4)), X).name == "Linear"


def test_an_input_that_forward_ignores():
    graph = graph_of(lambda linear, x, unused: linear(x), X, X.clone())
    assert len(graph.inputs) == 2
    assert graph.by_id["input/args[1]"].id not in ancestors(graph)


def test_data_dependent_control_flow_runs_on_real_tensors():
    graph = graph_of(lambda linear, x: linear(x) if x.sum() > 0 else x + linear(x), X)
    assert (graph.backend, graph.count()["add"]) == ("eager", 1)


def test_constants_on_another_device_fall_back_to_fake_tensors():
    graph = graph_of(lambda linear, x: linear(x) + torch.ones(4, device="cpu"), X)
    assert graph.backend == "fake"


def test_gradients_inside_forward():
    def energy(linear, x):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(linear(x).pow(2).sum(), x)[0]

    assert graph_of(energy, X).operations[-1].data


def test_dropout_outside_training_is_still_an_operation_of_its_own():
    def forward(linear, x):
        dropped = F.dropout(x, 0.5, training=False)
        return linear(dropped) + x

    graph = graph_of(forward, X)
    assert graph.operations[graph.by_id["linear"].operands[0].producer].id == "dropout"
    assert graph.count() == {"dropout": 1, "linear": 1, "add": 1}
    assert [graph.operations[o.producer].id for o in graph.by_id["add"].operands] == [
        "linear",
        "input/args[0]",
    ]


def test_exported_program():
    exported = torch.export.export(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)), (X,))
    graph = trace(exported.module(), X)
    assert sum(operation.weighted for operation in graph) == 2


def test_all_backends_record_the_same_graph():
    from skiplint.tracing import trace_call

    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.LazyLinear(2)
    )
    image = torch.zeros(1, 3, 8, 8)
    model(image)
    graphs = [trace_call(model.eval(), (image,), {}, backends=[name]) for name in ("meta", "fake", "eager")]
    assert [graph.backend for graph in graphs] == ["meta", "fake", "eager"]
    first, *others = ([(op.id, op.operands, op.outputs) for op in graph] for graph in graphs)
    assert all(other == first for other in others)
