"""How far long work has come, for whoever wants to show it.

Analyses say what they are at; they do not know whether anybody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
Listener = Callable[[str, int, int], None]
"""Called with what is being done, how many steps of it are done, and how many there are."""

_STEPS = 200
"""Reports at most, however long the work is."""
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def tracked(items: Sequence[T], what: str) -> Iterator[T]:
    """The ``items``, one after the other, and a report of how many are done now and then."""
    listener = _listener.get()
    if listener is None:
        yield from items
        return
    every = max(1, len(items) // _STEPS)
    for done, item in enumerate(items):
        if done % every == 0:
            listener(what, done, len(items))
        yield item
    listener(what, len(items), len(items))


@contextmanager
def reported_to(listener: Listener) -> Iterator[None]:
    """Report all work inside to ``listener``."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)
