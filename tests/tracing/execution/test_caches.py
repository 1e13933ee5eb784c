"""A trace leaves no tensor without values in a ``functools`` cache, wherever the cache is."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from skiplint.tracing import trace
from skiplint.tracing.execution import caches

WIDTH = 8


def _positions(count: int) -> Tensor:
    return torch.arange(count, dtype=torch.float32)


_global_positions = functools.lru_cache(_positions)


def _through_a_function(count: int) -> Tensor:
    return _global_positions(count)


class OfTheModule(nn.Module):
    """The cache is a global that a function names."""

    def forward(self, x: Tensor) -> Tensor:
        return x + _through_a_function(x.shape[-1])


class OfTheClass(nn.Module):
    """The cache is a method."""

    @staticmethod
    @functools.lru_cache
    def positions(count: int) -> Tensor:
        return _positions(count)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.positions(x.shape[-1])


class OfTheInstance(nn.Module):
    """The cache is made by the constructor, so no import announces it."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = functools.lru_cache(_positions)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.positions(x.shape[-1])


_positions_of_the_property = functools.lru_cache(_positions)


class OfAProperty(nn.Module):
    """The cache is read through a property."""

    @property
    def positions(self) -> Tensor:
        return _positions_of_the_property(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.positions


def in_a_closure() -> nn.Module:
    """The cache is a local of the function that defines the class, as in a notebook's cell."""
    positions = functools.lru_cache(_positions)

    def through(count: int) -> Tensor:
        return positions(count)

    class OfTheClosure(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + through(x.shape[-1])

    return OfTheClosure()


@pytest.mark.parametrize("make", [OfTheModule, OfTheClass, OfTheInstance, OfAProperty, in_a_closure])
def test_the_next_real_call_gets_values(make: Callable[[], nn.Module]) -> None:
    trace(nn.Linear(WIDTH, WIDTH), torch.zeros(1, WIDTH))  # so that no search of the heap is due
    model = make()
    assert trace(model, torch.zeros(2, WIDTH)).backend == "meta"
    assert model(torch.zeros(2, WIDTH)).sum() == 2 * sum(range(WIDTH))


def test_what_was_cached_before_stays() -> None:
    model = OfTheInstance()
    model(torch.zeros(1, WIDTH))
    trace(model, torch.zeros(2, WIDTH))
    assert model.positions.cache_info().currsize == 1


def test_the_heap_is_searched_once_until_a_module_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    searches = []
    real = gc.get_objects
    monkeypatch.setattr(caches.gc, "get_objects", lambda: searches.append(1) or real())
    model, x = nn.Linear(WIDTH, WIDTH), torch.zeros(1, WIDTH)
    trace(model, x)
    searches.clear()
    trace(model, x)
    assert not searches
    monkeypatch.setitem(caches.sys.modules, "an_import_of_the_forward", caches)
    trace(model, x)
    assert searches
