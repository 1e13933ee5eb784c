"""What goes wrong with the user's code, in one readable line."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

from skiplint.graph import Location
from skiplint.sources.frames import is_packaged

_MESSAGE_LIMIT = 240


def describe(error: BaseException) -> str:
    """The exception's type and the start of its message, on one line."""
    text = " ".join(str(error).split())
    if len(text) > _MESSAGE_LIMIT:
        text = text[: _MESSAGE_LIMIT - 3] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def origin(error: BaseException) -> Location | None:
    """The innermost frame of the user's own code in the traceback of ``error``.

    Frames of torch, of the standard library and of other installed packages are passed over; where
    nothing else is left, the innermost frame of an installed package is given.
    """
    found: Location | None = None
    installed: Location | None = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        filename = frame.f_code.co_filename
        if filename.startswith("<") or _is_own(filename):
            continue
        place = Location(display_path(filename), line, function=frame.f_code.co_name)
        if is_installed(filename):
            installed = installed if _is_library(filename) and installed else place
        else:
            found = place
    return found or installed


def at(error: BaseException) -> str:
    """Where ``error`` came from, as `` at model.py:12``, or nothing if that is unknown."""
    place = origin(error)
    return f" at {place.path}:{place.line}" if place else ""


def is_installed(filename: str) -> bool:
    """Whether a source file belongs to an installed package or to the standard library."""
    return is_packaged(filename) or _is_library(filename)


def display_path(filename: str | Path) -> str:
    """``filename`` relative to the working folder where it lies inside, with forward slashes."""
    path = Path(filename)
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError):
        return path.as_posix()


def _is_library(filename: str) -> bool:
    return not is_packaged(filename) and any(filename.startswith(folder + os.sep) for folder in _LIBRARY)


def _is_own(filename: str) -> bool:
    return filename.startswith(_HERE + os.sep)


_HERE = str(Path(__file__).resolve().parent.parent)
_LIBRARY = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
