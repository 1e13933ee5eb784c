"""Empty the caches that a forward fills while it runs without values.

A library may keep a table of positions in an ``lru_cache``. After a trace it would return tensors without
values to the next real call of the model.
"""

from __future__ import annotations

import functools
import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CellType, FunctionType, MethodType
from typing import Any

from torch import nn

_Cache = functools._lru_cache_wrapper
_LEFT_ALONE = frozenset({"torch", "skiplint", "sympy", "builtins"})


class _KnownCaches:
    """Every ``functools`` cache of the process.

    The heap is searched when modules were imported since the last search: it takes a good part of the time of
    a small trace. What was defined without an import, as in a notebook, is found from the model.
    """

    def __init__(self) -> None:
        self._modules = -1
        self._found: weakref.WeakSet[_Cache[Any]] = weakref.WeakSet()

    def seen_from(self, model: nn.Module) -> list[_Cache[Any]]:
        """The caches outside torch that a forward of ``model`` may fill."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._found.update(item for item in gc.get_objects() if type(item) is _Cache and _matters(item))
        self._found.update(_named_by(model))
        return list(self._found)


_known = _KnownCaches()


@contextmanager
def caches_kept_clean(model: nn.Module) -> Iterator[None]:
    """Empty every ``functools`` cache outside torch that grew while the context was open.

    Args:
        model: the model whose forward runs in the context.
    """
    before = {id(cache): cache.cache_info().currsize for cache in _known.seen_from(model)}
    try:
        yield
    finally:
        for cache in _known.seen_from(model):
            if cache.cache_info().currsize > before.get(id(cache), 0):
                cache.cache_clear()


def _named_by(model: nn.Module) -> Iterator[_Cache[Any]]:
    """Caches that the code of ``model`` can name: attributes, methods, closures, and globals beside them."""
    seen: set[int] = set()
    todo: list[Any] = list(model.modules())
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, _Cache):
            if _matters(item):
                yield item
        elif isinstance(item, nn.Module):
            todo += (*vars(item).values(), *type(item).__mro__)
        elif _matters(item):
            todo += _names(item)


def _names(item: Any) -> list[Any]:
    """What the code of a class, a function or a method can name directly; nothing for other objects."""
    if isinstance(item, type):
        return list(vars(item).values())
    if isinstance(item, (staticmethod, classmethod, MethodType)):
        return [item.__func__]
    if isinstance(item, property):
        return [item.fget]
    if isinstance(item, FunctionType):
        code_names = item.__code__.co_names
        return [
            *(_content(cell) for cell in item.__closure__ or ()),
            *(item.__globals__[name] for name in code_names if name in item.__globals__),
        ]
    return []


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _matters(item: type | Callable[..., Any]) -> bool:
    package = str(getattr(item, "__module__", "")).partition(".")[0]
    return package not in _LEFT_ALONE
