"""Recorded calls run again give what the model gave, for the whole model and for a part of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import skiplint
from skiplint.graph import Operation, TensorSpec
from skiplint.tracing.replay.parts import execute
from skiplint.tracing.replay.surroundings import ExecutionError, apart, filled


class Mixed(nn.Module):
    """Views, several results, in-place writes and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(4, 4)
        self.register_buffer("offset", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.first(x).chunk(2, dim=1)
        left = torch.relu(left)
        left += self.offset
        out = torch.zeros_like(x)
        out[:, :2] = right[:, 2:]
        return self.second(left) + out


def given(model: nn.Module, x: Tensor) -> object:
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}

    def leaf(operation: Operation, output: int) -> Tensor:
        return x.clone() if operation.kind == "input" else state[operation.id].detach().clone()

    return leaf


def test_the_whole_model() -> None:
    model, x = Mixed(), torch.randn(3, 4)
    graph = skiplint.trace(model, x)
    calls = [operation.index for operation in graph if operation.kind == "call"]
    with apart(grad=False):
        values = execute(graph, calls, given(model, x), keep=calls[-1:])
    assert set(values) == {(calls[-1], 0)}
    assert torch.equal(values[calls[-1], 0], model(x))


def test_a_part_of_it() -> None:
    graph = skiplint.trace(Mixed().to("meta"), torch.randn(3, 4))
    relu = graph.by_id["relu"].index
    with apart(grad=False):
        values = execute(graph, {relu}, lambda operation, at: filled(operation.outputs[at]) - 9)
    assert torch.equal(values[relu, 0], torch.zeros(3, 4))


def test_the_random_state_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    with apart(grad=True):
        torch.randn(3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_call_that_does_not_run_is_named() -> None:
    graph = skiplint.trace(Mixed(), torch.randn(3, 4))
    with pytest.raises(ExecutionError, match=r"^first does not run again: RuntimeError: "):
        execute(graph, {graph.by_id["first"].index}, lambda *_: torch.zeros(7))


def test_a_result_of_another_shape_is_refused() -> None:
    graph = skiplint.trace(Mixed(), torch.randn(3, 4))
    with pytest.raises(ExecutionError, match="relu gives another result than when it was recorded"):
        execute(graph, {graph.by_id["relu"].index}, lambda *_: torch.zeros(7))


def test_what_has_no_values() -> None:
    assert filled(TensorSpec((2,), "int64", 16, 0)).tolist() == [0, 0]
    assert filled(TensorSpec((2,), "float16", 4, 0)).dtype == torch.float16
    with pytest.raises(ExecutionError):
        filled(TensorSpec((2,), "quint8", 2, 0))
