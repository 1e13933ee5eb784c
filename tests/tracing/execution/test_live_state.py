"""A trace leaves what the model can reach as it was: the next real forward gives what it would have given."""

from __future__ import annotations

import functools
import threading
import warnings
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import skiplint
from skiplint.tracing import TraceError, dry_run

WIDTH = 4
X = torch.ones(2, WIDTH)


class Table:
    """A helper object that keeps what it made for the first call."""

    def __init__(self) -> None:
        self.kept: Tensor | None = None

    def get(self, count: int) -> Tensor:
        if self.kept is None:
            self.kept = torch.arange(float(count))
        return self.kept


class Net(nn.Module):
    """Adds the table that ``get(width)`` returns; asks for a value where ``eager`` is set."""

    def __init__(self, get: Callable[[int], Tensor], *, eager: bool = False) -> None:
        super().__init__()
        self.fc = nn.Linear(WIDTH, WIDTH)
        self.get = get
        self.eager = eager

    def forward(self, x: Tensor) -> Tensor:
        if self.eager and x.sum().item() < 0:
            return x
        return x + self.fc(x) + self.get(x.shape[-1])


def in_a_helper() -> Callable[[int], Tensor]:
    return Table().get


_tables: dict[str, Any] = {}
_table: Tensor | None = None


def in_a_container_of_the_module(count: int) -> Tensor:
    return _tables.setdefault("positions", {}).setdefault(count, torch.arange(float(count)))


def in_a_global(count: int) -> Tensor:
    global _table  # noqa: PLW0603
    if _table is None:
        _table = torch.arange(float(count))
    return _table


def through_another_function(count: int) -> Tensor:
    return in_a_global(count)


def in_a_new_global(count: int) -> Tensor:
    global _made_late  # noqa: PLW0603
    try:
        return _made_late
    except NameError:
        _made_late = torch.arange(float(count))
        return _made_late


def in_a_default(count: int, kept: dict[int, Tensor] = {}) -> Tensor:  # noqa: B006
    return kept.setdefault(count, torch.arange(float(count)))


def in_an_attribute_of_the_function(count: int) -> Tensor:
    if not hasattr(in_an_attribute_of_the_function, "kept"):
        in_an_attribute_of_the_function.kept = torch.arange(float(count))  # type: ignore[attr-defined]
    return in_an_attribute_of_the_function.kept  # type: ignore[attr-defined,no-any-return]


class OfTheClass:
    kept: Tensor | None = None

    @classmethod
    def get(cls, count: int) -> Tensor:
        if cls.kept is None:
            cls.kept = torch.arange(float(count))
        return cls.kept


def in_a_closure() -> Callable[[int], Tensor]:
    kept: Tensor | None = None

    def get(count: int) -> Tensor:
        nonlocal kept
        if kept is None:
            kept = torch.arange(float(count))
        return kept

    return get


class Slotted:
    __slots__ = ("kept",)

    def get(self, count: int) -> Tensor:
        if not hasattr(self, "kept"):
            self.kept = torch.arange(float(count))
        return self.kept


class Store(dict[int, Tensor]):
    """A dict with attributes, as configurations are."""

    last: Tensor

    def get_table(self, count: int) -> Tensor:
        if count not in self:
            self[count] = self.last = torch.arange(float(count))
        return self.last


def deep_in_containers() -> Callable[[int], Tensor]:
    kept: list[dict[str, deque[Tensor]]] = [{"tables": deque()}]

    def get(count: int) -> Tensor:
        tables = kept[0]["tables"]
        if not tables:
            tables.append(torch.arange(float(count)))
        return tables[0]

    return get


def in_an_imported_module() -> Callable[[int], Tensor]:
    config = ModuleType("a_module_of_the_project")
    config.table = None  # type: ignore[attr-defined]
    scope: dict[str, Any] = {"config": config, "torch": torch, "__name__": "a_module_of_the_project"}
    exec(
        "def get(count):\n"
        "    if config.table is None:\n"
        "        config.table = torch.arange(float(count))\n"
        "    return config.table\n",
        scope,
    )
    get: Callable[[int], Tensor] = scope["get"]
    return get


KEPT: dict[str, Callable[[], Callable[[int], Tensor]]] = {
    "a helper object": in_a_helper,
    "a container of the module": lambda: in_a_container_of_the_module,
    "a global": lambda: in_a_global,
    "a global, through a function": lambda: through_another_function,
    "a global that was not there": lambda: in_a_new_global,
    "a default": lambda: in_a_default,
    "an attribute of a function": lambda: in_an_attribute_of_the_function,
    "a class attribute": lambda: OfTheClass.get,
    "a closure": in_a_closure,
    "a slot": lambda: Slotted().get,
    "a dict with attributes": lambda: Store().get_table,
    "containers in containers": deep_in_containers,
    "an imported module": in_an_imported_module,
    "a partial": lambda: functools.partial(Table.get, Table()),
}


@pytest.mark.parametrize("place", KEPT)
@pytest.mark.parametrize("call", [skiplint.trace, skiplint.analyze, skiplint.lint, dry_run])
def test_the_next_real_forward_has_values(place: str, call: Callable[..., Any]) -> None:
    model = Net(KEPT[place]())
    if call is dry_run:
        dry_run(model, (X,), {})
    else:
        call(model, X)
    with torch.no_grad():
        assert torch.equal(model(X), X + model.fc(X) + torch.arange(float(WIDTH)))
    _tables.clear()


def test_a_forward_that_fails_leaves_no_more() -> None:
    class Broken(Net):
        def forward(self, x: Tensor) -> Tensor:
            super().forward(x)
            raise ValueError("no")

    table = Table()
    with pytest.raises(TraceError):
        skiplint.trace(Broken(table.get), X)
    assert table.kept is None


def test_lists_do_not_grow() -> None:
    seen: list[str] = []
    nested: dict[str, list[tuple[int, ...]]] = {"shapes": []}

    def noting(count: int) -> Tensor:
        seen.append("call")
        nested["shapes"].append((count,))
        return torch.zeros(count)

    skiplint.lint(Net(noting), X)

    assert seen == []
    assert nested == {"shapes": []}


def test_what_hooks_capture_is_gone() -> None:
    captured: dict[str, Tensor] = {}
    model = Net(torch.zeros)
    model.fc.register_forward_hook(lambda module, args, output: captured.update(features=output))

    skiplint.trace(model, X)

    assert captured == {}


def doubled_in_place(net: Net) -> None:
    with torch.no_grad():
        net.fc.weight.mul_(2)


def assigned_as_data(net: Net) -> None:
    net.fc.weight.data = net.fc.weight.data * 2


def differentiated(net: Net) -> None:
    with torch.enable_grad():
        net.fc(torch.ones(1, WIDTH)).sum().backward()


def frozen(net: Net) -> None:
    net.fc.weight.requires_grad_(False)


@pytest.mark.parametrize("change", [doubled_in_place, assigned_as_data, differentiated, frozen])
def test_a_forward_with_values_does_not_write_the_live_parameters(change: Callable[[Net], None]) -> None:
    class Changing(Net):
        def forward(self, x: Tensor) -> Tensor:
            result = super().forward(x)
            change(self)
            return result

    model = Changing(torch.zeros, eager=True)
    weight, before = model.fc.weight, model.fc.weight.detach().clone()

    assert skiplint.trace(model, X).backend == "eager"

    assert model.fc.weight is weight
    assert torch.equal(weight, before)
    assert weight.requires_grad
    assert weight.grad is None


@pytest.mark.parametrize("eager", [False, True])
def test_tensors_of_helpers_keep_their_values(eager: bool) -> None:
    steps = torch.zeros(WIDTH)

    def counting(count: int) -> Tensor:
        return steps.add_(1)

    skiplint.trace(Net(counting, eager=eager), X)

    assert torch.equal(steps, torch.zeros(WIDTH))


def test_an_inputs_own_objects_stay_as_they_are() -> None:
    class Decoder(Net):
        def forward(self, x: Tensor, cache: list[Tensor]) -> Tensor:  # type: ignore[override]
            cache.append(x)
            return super().forward(x)

    cache: list[Tensor] = []
    skiplint.trace(Decoder(torch.zeros), X, cache)
    assert cache == []


def test_the_filters_of_warnings_stay() -> None:
    def silencing(count: int) -> Tensor:
        warnings.simplefilter("ignore")
        return torch.zeros(count)

    before = list(warnings.filters)
    skiplint.lint(Net(silencing), X)
    assert warnings.filters == before


def test_several_threads_may_lint_one_model() -> None:
    model = Net(in_a_helper())
    weight = model.fc.weight
    reports: list[int] = []

    def lint() -> None:
        reports.extend(len(skiplint.lint(model, X).models) for _ in range(3))

    threads = [threading.Thread(target=lint) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert reports == [1] * 12
    assert model.fc.weight is weight
    assert not any(tensor.is_meta for tensor in model.parameters())


def test_a_model_that_reaches_a_lot_is_saved_in_bounded_time() -> None:
    """A vocabulary of texts is not looked into, and neither is torch."""
    from skiplint.tracing.execution.live_state import LiveState

    model = Net(torch.zeros)
    model.vocabulary = [str(number) for number in range(100_000)]  # type: ignore[assignment]
    state = LiveState()
    state.save(model)
    assert len(state._seen) < 100


class Item:
    """One of many objects."""


def test_the_models_own_tensors_come_first() -> None:
    """A model that reaches more than is looked at, such as a dataset, gets its weights back."""
    model = Net(torch.zeros)
    model.dataset = [Item() for _ in range(30_000)]  # type: ignore[assignment]

    skiplint.trace(model, X)

    assert not any(parameter.is_meta for parameter in model.parameters())
