"""Recovery on every backend, at every kind of call, and wherever in Python the call stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiplint.graph import Backend
from skiplint.tracing import trace_call

BACKENDS: tuple[Backend, ...] = ("meta", "fake", "eager")
R = torch.zeros
Build = Callable[[], tuple[nn.Module, tuple[Tensor, ...]]]


class Calls(nn.Module):
    """Calls ``function`` with itself and the inputs, then a layer without a fault."""

    def __init__(self, function: Callable[..., Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.weight = nn.Parameter(torch.zeros(6, 5))

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(self, *inputs).relu()


# name of the call -> what fails there, and the kind of fault
FAILING: dict[str, tuple[str, Build]] = {
    "conv1d": ("layer", lambda: (Calls(lambda m, x: m.layer(x), layer=nn.Conv1d(4, 8, 3)), (R(2, 5, 9),))),
    "conv2d": (
        "layer",
        lambda: (Calls(lambda m, x: m.layer(x), layer=nn.Conv2d(4, 8, 3, groups=2)), (R(2, 6, 9, 9),)),
    ),
    "conv3d": (
        "layer",
        lambda: (Calls(lambda m, x: m.layer(x), layer=nn.Conv3d(4, 8, 3)), (R(1, 5, 4, 4, 4),)),
    ),
    "conv_transpose1d": (
        "layer",
        lambda: (Calls(lambda m, x: m.layer(x), layer=nn.ConvTranspose1d(4, 8, 3)), (R(2, 5, 9),)),
    ),
    "conv_transpose2d": (
        "layer",
        lambda: (
            Calls(lambda m, x: m.layer(x), layer=nn.ConvTranspose2d(4, 8, 3, groups=2)),
            (R(2, 6, 9, 9),),
        ),
    ),
    "linear": ("layer", lambda: (Calls(lambda m, x: m.layer(x), layer=nn.Linear(4, 8)), (R(2, 5),))),
    "batch_norm": (
        "layer",
        lambda: (Calls(lambda m, x: m.layer(x), layer=nn.BatchNorm2d(4)), (R(2, 5, 3, 3),)),
    ),
    "layer_norm": ("layer", lambda: (Calls(lambda m, x: m.layer(x), layer=nn.LayerNorm(4)), (R(2, 5),))),
    "group_norm": (
        "layer",
        lambda: (Calls(lambda m, x: m.layer(x), layer=nn.GroupNorm(2, 4)), (R(2, 6, 3, 3),)),
    ),
    "prelu": ("layer", lambda: (Calls(lambda m, x: m.layer(x), layer=nn.PReLU(4)), (R(2, 5, 3),))),
    "multi_head_attention_forward": (
        "layer",
        lambda: (Calls(lambda m, x: m.layer(x, x, x)[0], layer=nn.MultiheadAttention(4, 2)), (R(3, 2, 6),)),
    ),
    "matmul": ("layer", lambda: (Calls(lambda m, x: x @ m.weight), (R(2, 4),))),
    "bmm": ("shape", lambda: (Calls(lambda m, x, y: torch.bmm(x, y)), (R(2, 3, 4), R(2, 5, 6)))),
    "einsum": (
        "layer",
        lambda: (Calls(lambda m, x: torch.einsum("bi,io->bo", x, m.weight)), (R(2, 4),)),
    ),
    "scaled_dot_product_attention": (
        "shape",
        lambda: (
            Calls(lambda m, x, y: F.scaled_dot_product_attention(x, y, y)),
            (R(1, 2, 5, 4), R(1, 2, 5, 6)),
        ),
    ),
    "lstm": ("layer", lambda: (Calls(lambda m, x: m.layer(x)[0], layer=nn.LSTM(4, 3)), (R(5, 2, 6),))),
    "gru": (
        "layer",
        lambda: (Calls(lambda m, x: m.layer(x)[0], layer=nn.GRU(4, 3, 2, bidirectional=True)), (R(5, 2, 3),)),
    ),
    "rnn_tanh": (
        "layer",
        lambda: (Calls(lambda m, x, h: m.layer(x, h)[0], layer=nn.RNN(4, 3)), (R(5, 2, 4), R(1, 2, 5))),
    ),
    "lstm_cell": ("layer", lambda: (Calls(lambda m, x: m.layer(x)[0], layer=nn.LSTMCell(4, 3)), (R(2, 6),))),
    "gru_cell": (
        "layer",
        lambda: (Calls(lambda m, x, h: m.layer(x, h), layer=nn.GRUCell(4, 3)), (R(2, 4), R(2, 5))),
    ),
    "pixel_shuffle": ("layer", lambda: (Calls(lambda m, x: F.pixel_shuffle(x, 2)), (R(1, 6, 3, 3),))),
    "pixel_unshuffle": ("shape", lambda: (Calls(lambda m, x: F.pixel_unshuffle(x, 2)), (R(1, 6, 3, 4),))),
    "channel_shuffle": (
        "layer",
        lambda: (Calls(lambda m, x: m.layer(x), layer=nn.ChannelShuffle(4)), (R(1, 6, 3, 3),)),
    ),
    "glu": ("layer", lambda: (Calls(lambda m, x: F.glu(x, 1)), (R(1, 5, 3),))),
    "view": ("shape", lambda: (Calls(lambda m, x: x.view(2, 7)), (R(2, 5),))),
    "reshape": ("shape", lambda: (Calls(lambda m, x: torch.reshape(x, (2, -1, 3))), (R(2, 5),))),
    "unflatten": ("shape", lambda: (Calls(lambda m, x: x.unflatten(1, (2, 3))), (R(2, 5),))),
    "expand": ("shape", lambda: (Calls(lambda m, x: x.expand(2, 7)), (R(2, 5),))),
    "split": ("layer", lambda: (Calls(lambda m, x: x.split([2, 2], 1)[0]), (R(2, 5),))),
    "add": ("join", lambda: (Calls(lambda m, x, y: x + y), (R(2, 4), R(2, 5)))),
    "sub": ("join", lambda: (Calls(lambda m, x, y: torch.sub(x, y)), (R(2, 4), R(2, 5)))),
    "mul": ("join", lambda: (Calls(lambda m, x, y: x * y), (R(2, 4), R(2, 5)))),
    "cat": ("join", lambda: (Calls(lambda m, x, y: torch.cat([x, y], 1)), (R(2, 4, 9), R(2, 4, 8)))),
    "hstack": ("join", lambda: (Calls(lambda m, x, y: torch.hstack([x, y])), (R(2, 4, 9), R(2, 4, 8)))),
    "vstack": ("join", lambda: (Calls(lambda m, x, y: torch.vstack([x, y])), (R(2, 4), R(2, 5)))),
    "dstack": ("join", lambda: (Calls(lambda m, x, y: torch.dstack([x, y])), (R(2, 4), R(2, 5)))),
    "column_stack": (
        "join",
        lambda: (Calls(lambda m, x, y: torch.column_stack([x, y])), (R(2, 4), R(3, 5))),
    ),
    "masked_fill": (
        "join",
        lambda: (Calls(lambda m, x, y: x.masked_fill(y > 0, 1.0)), (R(2, 4, 4), R(3, 3))),
    ),
    "stack": ("join", lambda: (Calls(lambda m, x, y: torch.stack([x, y])), (R(2, 4), R(2, 5)))),
    "lerp": ("join", lambda: (Calls(lambda m, x, y: torch.lerp(x, y, 0.5)), (R(2, 4), R(2, 5)))),
    "where": ("join", lambda: (Calls(lambda m, x, y: torch.where(x > 0, x, y)), (R(2, 4), R(2, 5)))),
    "setitem_": ("join", lambda: (Calls(lambda m, x, y: _written(x, y)), (R(2, 4), R(2, 5)))),
    "broadcast_tensors": ("join", lambda: (Calls(lambda m, x, y: F.mse_loss(x, y)), (R(2, 4), R(2, 5)))),
}


def _written(x: Tensor, y: Tensor) -> Tensor:
    buffer = torch.zeros_like(x)
    buffer[:, :2] = y
    return buffer + x


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", FAILING)
def test_every_kind_of_call_on_every_backend(name: str, backend: Backend) -> None:
    kind, build = FAILING[name]
    model, inputs = build()
    graph = trace_call(model.eval(), inputs, {}, recover=True, backends=[backend])
    assert [(graph.operations[each.operation].name, each.kind) for each in graph.faults] == [(name, kind)]
    assert graph.operations[-1].operands, "the trace did not go on to the output"


def tried(m: nn.Module, x: Tensor) -> Tensor:
    """A forward that would have hidden the failure."""
    try:
        return m.wrong(x)
    except RuntimeError:
        return x


def looped(m: nn.Module, x: Tensor) -> Tensor:
    for layer in (m.right, m.wrong):
        x = layer(x)
    return x


def comprehended(m: nn.Module, x: Tensor) -> Tensor:
    return sum(layer(x) for layer in [m.right, m.right, m.odd])  # type: ignore[return-value]


def chained(m: nn.Module, x: Tensor) -> Tensor:
    return nn.Sequential(m.right, nn.ReLU(), m.wrong, nn.ReLU())(x)


def called(m: nn.Module, x: Tensor) -> Tensor:
    return F.linear(x, m.wrong.weight, m.wrong.bias)


def branched(m: nn.Module, x: Tensor) -> Tensor:
    return m.wrong(x) if x.shape[-1] == 4 else m.right(x)


def in_place(m: nn.Module, x: Tensor) -> Tensor:
    x = m.right(x)
    x += m.odd(x)
    return x


WHERE = {
    tried: "linear",
    looped: "linear",
    comprehended: "add",
    chained: "linear",
    called: "linear",
    branched: "linear",
    in_place: "add",
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("forward", WHERE, ids=lambda forward: forward.__name__)
def test_wherever_the_call_stands(forward: Callable[..., Tensor], backend: Backend) -> None:
    layers = {"right": nn.Linear(4, 4), "wrong": nn.Linear(6, 4), "odd": nn.Linear(4, 7)}
    graph = trace_call(Calls(forward, **layers), (R(2, 4),), {}, recover=True, backends=[backend])
    assert [graph.operations[each.operation].base_name for each in graph.faults] == [WHERE[forward]]


def test_backends_agree_on_what_fails() -> None:
    """The meta device lets some misfits pass that no other does: those are checked by skiplint itself."""
    for name, (_, build) in FAILING.items():
        for backend in BACKENDS:
            model, inputs = build()
            with pytest.raises(Exception, match=r".") as failure:
                trace_call(model.eval(), inputs, {}, backends=[backend])
            assert failure.value, f"{name} runs on {backend}"


def test_the_other_reading_is_taken_when_what_follows_needs_it() -> None:
    """Nothing tells which operand of the sum is wrong until the next layer does."""

    class Block(nn.Module):
        def __init__(self, following: int) -> None:
            super().__init__()
            self.branch, self.after = nn.Conv2d(8, 12, 1), nn.Conv2d(following, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.after(torch.relu(self.branch(x) + x))

    for following, operand, expected in ((12, 1, 12), (8, 0, 8)):
        (fault,) = trace_call(Block(following), (R(1, 8, 5, 5),), {}, recover=True).faults
        assert (fault.operand, fault.expected[1]) == (operand, expected)


def test_a_concatenation_that_runs_along_the_wrong_axis() -> None:
    class Net(nn.Module):
        def __init__(self, axis: int, counted: int) -> None:
            super().__init__()
            self.axis, self.layer = axis, nn.Conv2d(counted, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(torch.cat([x, x + 1], self.axis))

    def found(axis: int, counted: int) -> list[tuple[str, str]]:
        graph = trace_call(Net(axis, counted), (R(1, 4, 6, 6),), {}, recover=True)
        return [(graph.operations[each.operation].name, each.kind) for each in graph.faults]

    assert found(2, 8) == [("cat", "join")]
    assert found(1, 4) == [("conv2d", "layer")]
    assert found(2, 4) == []


def test_a_head_size_that_does_not_fit_is_one_fault() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = (part.view(2, 9, 3, 5).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
            mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 9, 16)
            return x + self.out(mixed)

    graph = trace_call(Attention(), (R(2, 9, 16),), {}, recover=True)
    assert {graph.operations[each.operation].name for each in graph.faults} == {"view"}
