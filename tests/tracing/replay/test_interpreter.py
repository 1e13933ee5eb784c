"""The interpreter of recorded calls: on the meta device, in training mode, with results that are assumed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import skiplint
from skiplint.graph import ModelGraph, Operation
from skiplint.tracing import trace_call
from skiplint.tracing.replay.interpreter import Interpreter
from skiplint.tracing.replay.parts import execute
from skiplint.tracing.replay.surroundings import ExecutionError, apart, bare, filled


class Net(nn.Module):
    """A forward of one function."""

    def __init__(self, body: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Any:
        return self.body(x)


def calls(graph: ModelGraph) -> list[int]:
    return [operation.index for operation in graph if operation.kind == "call"]


def leaf(operation: Operation, output: int) -> Tensor:
    return filled(operation.outputs[output])


def test_a_call_that_needs_values_is_assumed_to_give_what_was_recorded() -> None:
    graph = skiplint.trace(Net(lambda x: x[x > 0].exp()), torch.ones(2, 3))
    assert graph.backend == "eager"
    run = Interpreter(graph.fx, bare, device="meta", assume=True)
    with apart(grad=False, device="meta"):
        run.run()
    picked = next(operation for operation in graph if operation.name == "getitem")
    assert run.assumed == [picked.index]
    assert [tuple(tensor.shape) for tensor in run.made[picked.index]] == [(6,)]
    assert [tuple(tensor.shape) for tensor in run.made[graph.by_id["exp"].index]] == [(6,)]


def test_without_that_it_raises() -> None:
    graph = skiplint.trace(Net(lambda x: x[x > 0]), torch.ones(2, 3))
    with apart(grad=False, device="meta"), pytest.raises(ExecutionError, match="does not run again"):
        Interpreter(graph.fx, bare, device="meta").run()


def test_each_value_is_freed_after_its_last_reader() -> None:
    alive: list[int] = []
    graph = skiplint.trace(Net(lambda x: x.exp().sin().cos().neg()), torch.ones(2, 3))

    def around(_: Operation | None, run: Callable[[], Any]) -> Any:
        alive.append(len(interpreter.env))
        return run()

    interpreter = Interpreter(graph.fx, leaf, around=around)
    (result,) = interpreter.run()
    assert result.shape == (2, 3)
    assert alive == [1, 1, 1, 1]


def test_what_a_call_writes_is_its_result() -> None:
    """A kernel that fills a tensor which it is given, and returns nothing."""

    @torch.library.custom_op("skiplint_tests::fill_with_sum", mutates_args=("out",))
    def fill_with_sum(x: Tensor, out: Tensor) -> None:
        out.fill_(float(x.sum()))

    def body(x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        fill_with_sum(x, out)
        return out + 1

    graph = trace_call(Net(body), (torch.ones(2, 3),), {}, backends=["eager"])
    with apart(grad=False):
        values = execute(graph, calls(graph), lambda *_: torch.full((2, 3), 2.0), keep=calls(graph)[-1:])
    assert values[calls(graph)[-1], 0].tolist() == [[13.0] * 3] * 2


def test_a_call_in_place_may_have_several_results() -> None:
    def body(x: Tensor) -> Tensor:
        left, right = x.clone(), x.clone()
        torch._foreach_add_([left, right], 1.0)
        return left * 2 + right

    x = torch.randn(2, 3)
    graph = skiplint.trace(Net(body), x)
    with apart(grad=False):
        values = execute(graph, calls(graph), lambda *_: x, keep=calls(graph)[-1:])
    torch.testing.assert_close(values[calls(graph)[-1], 0], 3 * (x + 1))


def test_devices_are_those_of_the_run() -> None:
    graph = skiplint.trace(Net(lambda x: torch.arange(3, device=x.device).to(x.device) + x), torch.ones(2, 3))
    assert graph.backend == "meta"
    with apart(grad=False):
        values = execute(graph, calls(graph), lambda *_: torch.zeros(2, 3))
    assert values[calls(graph)[-1], 0].tolist() == [[0, 1, 2]] * 2
