"""Why a process ended, in plain words."""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback

from skiplint.sources.owners import owner
from skiplint.sources.paths import shown

_FRAME = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+) in ', re.MULTILINE)
OUT_OF_MEMORY = 0x6D  # "m"
"""Exit status of a worker that had no room left to say what happened."""
_LACKS_MEMORY = (
    "MemoryError",
    "not enough memory",
    "can't allocate memory",
    "unable to start watchdog thread",
)
"""Torch's allocator of the CPU, and what starts a thread, raise a plain RuntimeError with such words."""
_WINDOWS = {0xC0000005: "access violation", 0xC00000FD: "stack overflow", 0xC0000017: "out of memory"}


def how_it_ended(code: int) -> str:
    """What became of a process with the exit status ``code`` (negative: by that signal)."""
    if code == OUT_OF_MEMORY:
        return "it ran out of memory"
    if code < 0:
        if -code == getattr(signal, "SIGKILL", 9):
            return "its process was killed by signal 9, most likely because the machine ran out of memory"
        name = (signal.strsignal(-code) or "unknown").lower()
        return f"its process was killed by signal {-code} ({name})"
    if sys.platform == "win32" and code in _WINDOWS:
        return f"its process crashed ({_WINDOWS[code]})"
    return f"it ended its process (exit code {code})"


def place_in(trace: str, file: str | None) -> str:
    """``, in line 9`` or ``, at blocks.py:9``: the innermost line of the user's own in a trace.

    Args:
        trace: what :mod:`faulthandler` has written.
        file: the model's own file, which need not be named again.
    """
    for match in _FRAME.finditer(trace):
        path = match["path"]
        if owner(path) == "user":
            own = file is not None and os.path.abspath(path) == os.path.abspath(file)  # noqa: PTH100
            return f", in line {match['line']}" if own else f", at {shown(path)}:{match['line']}"
    return ""


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out before ``error``, which may be another one that followed from it.

    Frees what the frames of the traceback hold, since there may be no room else to go on.
    """
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        traceback.clear_frames(following.__traceback__)
        following = following.__cause__ or following.__context__
    words = " ".join(f"{type(each).__name__} {each}" for each in seen)
    return any(word in words for word in _LACKS_MEMORY)
