"""Exceptions of the user's code in one readable line."""

from __future__ import annotations

import traceback

from skiplint.graph import Location
from skiplint.sources.owners import owner
from skiplint.sources.paths import shown

_MESSAGE_LIMIT = 240


def describe(error: BaseException) -> str:
    """The type of ``error`` and the start of its message, on one line."""
    text = " ".join(str(error).split())
    if len(text) > _MESSAGE_LIMIT:
        text = text[: _MESSAGE_LIMIT - 3] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def origin(error: BaseException) -> Location | None:
    """The innermost frame of the user's own code in the traceback of ``error``.

    Returns:
        Without such a frame, the innermost one of an installed package, else of the standard library; None
        where there is neither.
    """
    found: dict[str, Location] = {}
    for frame, line in traceback.walk_tb(error.__traceback__):
        filename = frame.f_code.co_filename
        kind = "installed" if owner(filename) == "torch" else owner(filename)
        found[kind] = Location(shown(filename), line, function=frame.f_code.co_name)
    return next((found[kind] for kind in ("user", "installed", "library") if kind in found), None)


def at(error: BaseException) -> str:
    """Where ``error`` came from, such as `` at model.py:12``; empty if that is unknown."""
    place = origin(error)
    return f" at {place.path}:{place.line}" if place else ""
