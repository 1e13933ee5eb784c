"""Why a process ended, in plain words."""

from __future__ import annotations

import os
import re
import signal
import sys

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.sources.owners import owner
from skiplint.sources.paths import shown

_FRAME = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+) in ', re.MULTILINE)
OUT_OF_MEMORY = 0x6D  # "m"
"""Exit status of a worker that had no room left to say what happened."""
_WINDOWS = {0xC0000005: "access violation", 0xC00000FD: "stack overflow", 0xC0000017: "out of memory"}


def how_it_ended(code: int, memory: int = 0) -> str:
    """What became of a process with the exit status ``code`` (negative: by that signal).

    ``memory`` is what it was allowed to allocate, 0 for any.
    """
    if code == OUT_OF_MEMORY and memory:
        return f"it ran out of memory (one model may take {byte_size(memory)}: --memory-limit)"
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
