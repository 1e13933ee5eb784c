"""Which failures of a forward come from running it without values, and which are the model's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from skiplint.graph import Backend
from skiplint.tracing import dry_run, needs_values, trace

X = torch.ones(2, 3)


class Net(nn.Module):
    """A forward of one function, in a model with a weight."""

    def __init__(self, body: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.body = body

    def forward(self, x: Tensor) -> Any:
        return self.body(x * self.weight)


def failure(body: Callable[[Tensor], Any], backend: Backend) -> Exception:
    error = dry_run(Net(body), (X,), {}, backends=(backend,))
    assert error is not None
    return error


ASKING: dict[str, Callable[[Tensor], Any]] = {
    "item": lambda x: x.sum().item(),
    "if": lambda x: x if x.sum() > 0 else -x,
    "float": lambda x: float(x.sum()),
    "range": lambda x: range(x.sum().long()),
    "format": lambda x: f"{x.sum():.3f}",
    "inside another call": lambda x: torch.arange(x.sum()),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x.numpy(),
    "asarray": np.asarray,
    "nonzero": lambda x: x.nonzero(),
    "boolean index": lambda x: x[x > 0],
    "unsupported kernel": lambda x: x.masked_select(x > 0),
    "unsupported kernel in Python": lambda x: x.unique(),
}


@pytest.mark.parametrize("backend", ["meta", "fake"])
@pytest.mark.parametrize("body", ASKING.values(), ids=ASKING.keys())
def test_a_call_that_asks_for_values_does(body: Callable[[Tensor], Any], backend: Backend) -> None:
    assert needs_values(failure(body, backend))


def test_a_data_pointer_is_asked_for_a_value() -> None:
    class Kernel(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.tensor([x.sum(), 1.0])  # reads the memory of a fake tensor, which has none

    error = dry_run(Kernel(), (X,), {}, backends=("fake",))
    assert error is not None
    assert "data is not allocated" in str(error)
    assert needs_values(error)


def test_a_tensor_with_values_meets_those_without() -> None:
    table = np.ones((2, 3), dtype=np.float32)
    assert needs_values(failure(lambda x: x + torch.from_numpy(table), "meta"))


MISFITS: dict[str, Callable[[Tensor], Any]] = {
    "product": lambda x: x @ x,
    "cat": lambda x: torch.cat([x, x[:, :1]]),
    "view": lambda x: x.view(5),
    "index": lambda x: x[5],
    "item of several elements": lambda x: x.item(),
    "truth of several elements": lambda x: 1 if x > 0 else 2,
    "padding": lambda x: nn.functional.pad(x, (1, 1, 1, 1, 1, 1, 1, 1), mode="reflect"),
    "wrong dtype": lambda x: nn.functional.embedding(x, x),
}


@pytest.mark.parametrize("backend", ["meta", "fake"])
@pytest.mark.parametrize("body", MISFITS.values(), ids=MISFITS.keys())
def test_a_mistake_of_the_model_does_not(body: Callable[[Tensor], Any], backend: Backend) -> None:
    assert not needs_values(failure(body, backend))


WORDS = (
    "bad width 7",
    "unknown metadata field",
    "no storage for the cache",
    "wrong device type",
    "a function on meta cannot",
    "data pointer missing",
    "Tensor.item() cannot be called on meta tensors",
    "Cannot copy out of meta tensor; no data!",
)


@pytest.mark.parametrize("backend", ["meta", "fake"])
@pytest.mark.parametrize("kind", [ValueError, RuntimeError, NotImplementedError])
@pytest.mark.parametrize("words", WORDS)
def test_what_the_models_own_code_raises_does_not(
    words: str, kind: type[Exception], backend: Backend
) -> None:
    def body(x: Tensor) -> Tensor:
        raise kind(words)

    assert not needs_values(failure(body, backend))


def test_the_models_own_code_may_wrap_such_an_error() -> None:
    def body(x: Tensor) -> Tensor:
        try:
            return x[: int(x.sum())]
        except Exception as error:
            raise ValueError("no length") from error

    assert needs_values(failure(body, "meta"))


def test_the_models_own_error_ends_the_search_for_a_backend(capsys: pytest.CaptureFixture[str]) -> None:
    def body(x: Tensor) -> Tensor:
        print(x.device)
        raise ValueError("unknown metadata field")

    assert isinstance(dry_run(Net(body), (X,), {}), ValueError)
    assert len(capsys.readouterr().out.split()) == 2


def test_a_model_that_asks_for_values_is_traced_with_them() -> None:
    assert trace(Net(lambda x: x if x.sum() > 0 else -x), X).backend == "eager"
