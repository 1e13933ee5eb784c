"""Empty the caches that a forward fills while it runs without values.

A library may keep a table of positions in an ``lru_cache``. After a trace it would return tensors without
values to the next real call of the model.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_KIND = type(functools.lru_cache(maxsize=1)(lambda: None))
_LEFT_ALONE = frozenset({"torch", "skiplint", "sympy"})


def _caches() -> list[Any]:
    return [item for item in gc.get_objects() if type(item) is _KIND]


@contextmanager
def caches_kept_clean() -> Iterator[None]:
    """Empty every ``functools`` cache outside torch that grew while the context was open."""
    before = {id(cache): cache.cache_info().currsize for cache in _caches()}
    try:
        yield
    finally:
        for cache in _caches():
            grown = cache.cache_info().currsize > before.get(id(cache), 0)
            package = str(getattr(cache, "__module__", "")).partition(".")[0]
            if grown and package not in _LEFT_ALONE:
                cache.cache_clear()
