"""Empty the caches that a forward fills while it runs without values.

A library may keep a table of positions in an ``lru_cache``. After a trace it would return tensors without
values to the next real call of the model.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from skiplint.tracing.execution.live_state import CacheWrapper, matters


class _KnownCaches:
    """Every ``functools`` cache of the process.

    The heap is searched when modules were imported since the last search: it takes a good part of the time of
    a small trace. What was defined without an import, as in a notebook, is found from the model.
    """

    def __init__(self) -> None:
        self._modules = -1
        self._found: weakref.WeakSet[CacheWrapper[Any]] = weakref.WeakSet()

    def with_those(self, reached: Iterable[CacheWrapper[Any]]) -> list[CacheWrapper[Any]]:
        """The caches outside torch, and those that a model reaches."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._found.update(
                item for item in gc.get_objects() if type(item) is CacheWrapper and matters(item)
            )
        self._found.update(reached)
        return list(self._found)


_known = _KnownCaches()


@contextmanager
def caches_kept_clean(reached: Iterable[CacheWrapper[Any]]) -> Iterator[None]:
    """Empty every ``functools`` cache outside torch that grew while the context was open.

    Args:
        reached: the caches that the model which runs in the context can reach.
    """
    before = {id(cache): cache.cache_info().currsize for cache in _known.with_those(reached)}
    try:
        yield
    finally:
        for cache in _known.with_those(reached):
            if cache.cache_info().currsize > before.get(id(cache), 0):
                cache.cache_clear()
