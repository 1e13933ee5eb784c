"""Ctrl-C and requests to end, raised as an exception, so that the report of what is done is written."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

from skiplint.run.interruption import Interrupted

_SAME = 1.0
"""Seconds in which a second signal says no more than the first."""
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Raise Interrupted for each of the signals that ask this process to end, each time that one comes.

    A signal that the process was started to ignore, as by `nohup`, stays ignored. One that follows at once on
    another is the same request: `timeout`, for one, tells both the process and its group.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    last = -_SAME

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal last
        del frame
        before_that, last = last, time.monotonic()
        if last - before_that >= _SAME:
            raise Interrupted(number)

    before = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code_of(number: int) -> int:
    """The exit code after the signal, as shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + number
