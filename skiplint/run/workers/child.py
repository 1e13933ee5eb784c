"""The process that does the work. Started by :mod:`skiplint.run.workers.lane`, not imported by it.

Assignments come on what was stdin and events go out on what was stdout, both moved out of the way of the
user's code, which finds an empty stdin and whose output goes to stderr, if anywhere. On Linux this process
is prepared and then only watches a forked copy of itself, so that there is a new one at once when the user's
code ends one.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import pkgutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import IO, Any, BinaryIO

import msgspec

from skiplint.run.workers.deaths import OUT_OF_MEMORY, ran_out_of_memory
from skiplint.run.workers.messages import (
    Assignment,
    Died,
    Entry,
    Event,
    Finished,
    Found,
    Item,
    Made,
    Ready,
    Start,
    Unfit,
    Unsendable,
    Work,
    Working,
    encode,
)

_OVER = 84
"""Exit status of a worker that was told that there is no more to do."""
_PR_SET_PDEATHSIG = 1
_TRACE_LIMIT = 20_000


@dataclass(frozen=True)
class _Channel:
    """The way to the parent."""

    assignments: BinaryIO
    events: BinaryIO

    def tell(self, event: Event) -> None:
        """Write one event, at once."""
        self.events.write(encode(event) + b"\n")
        self.events.flush()


def main() -> None:
    """Prepare this process and do assignments until there are no more."""
    channel = _take_over_standard_streams()
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us.
    try:
        start = msgspec.json.decode(channel.assignments.readline(), type=Start)
        if not start.aloud:
            _silence()
        prepare: Entry = pkgutil.resolve_name(start.entry)
        work_of = prepare(start.threads)
        trace = _supervise(channel) if start.fork else None
        _serve(channel, start, work_of, trace)
    except BaseException as error:
        said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        detail = "".join(traceback.format_exception(error))
        if ran_out_of_memory(error):
            said = "it has no memory left before the first model; give it more with --memory-limit"
        channel.tell(Unfit(said, detail))
        os._exit(1)
    os._exit(_OVER)  # Threads and exit handlers of the user's code have no say in this.


def _take_over_standard_streams() -> _Channel:
    channel = _Channel(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return channel


def _silence() -> None:
    """Drop what is written to stdout and stderr from here on, warnings and libraries in C included."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


# -- the watching process ------------------------------------------------------------------------------


def _supervise(channel: _Channel) -> IO[str]:
    """Fork workers, one after the other; returns in the worker, and never in this process.

    Returns:
        A file into which the worker writes where its threads are when it dies.
    """
    _die_with_parent(os.getppid())
    trace = tempfile.TemporaryFile("w+")  # noqa: SIM115 - both processes keep it
    worker = 0

    def end_worker(number: int, frame: FrameType | None) -> None:
        del number, frame
        if worker:
            _kill_group(worker)

    def end_all(number: int, frame: FrameType | None) -> None:
        end_worker(number, frame)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(worker, 0)
        os._exit(_OVER)

    handlers = {signal.SIGUSR1: end_worker, signal.SIGTERM: end_all}
    for number, handler in handlers.items():
        signal.signal(number, handler)
    me = os.getpid()
    while True:
        trace.seek(0)
        trace.truncate()
        signal.pthread_sigmask(signal.SIG_BLOCK, handlers)  # They must not run in the copy.
        worker = os.fork()
        if worker == 0:
            for number in handlers:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
            os.setpgid(0, 0)
            _die_with_parent(me)
            return trace
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
        # Its number is not given to another process before it has been waited for.
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
        _kill_group(worker)  # The processes that it started.
        code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        worker = 0
        if code == _OVER:
            os._exit(0)
        trace.seek(0)
        channel.events.write(b"\n")  # It may have ended in the middle of a line.
        channel.tell(Died(code, trace.read(_TRACE_LIMIT)))


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(leader, signal.SIGKILL)  # It may not have made its group yet.


def _die_with_parent(parent: int) -> None:
    """Be killed when the parent is, however that ends; a loop in C would never see a closed pipe."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # It has ended in the meantime.
        os._exit(_OVER)


# -- the working process -------------------------------------------------------------------------------


def _serve(channel: _Channel, start: Start, work_of: Callable[[bytes], Work], trace: IO[str] | None) -> None:
    """Do assignments until there are no more."""
    if trace is not None:
        faulthandler.enable(trace)
    if start.memory:
        _limit_memory(start.memory)
    work = work_of(bytes(start.setup))
    teller = _Teller(channel, start.timeout, trace)
    channel.tell(Ready())
    while line := channel.assignments.readline():
        assignment = msgspec.json.decode(line, type=Assignment)
        teller.start_clock()
        try:
            work(assignment.unit, teller, frozenset(assignment.leave_out))
        except BaseException as error:  # Such as a KeyboardInterrupt of the user's own.
            os._exit(_exit_status(error, trace or sys.stderr))


def _exit_status(error: BaseException, trace: IO[str]) -> int:
    """The status to end with after ``error``, which is written to ``trace`` if there is memory for that."""
    try:
        if ran_out_of_memory(error):
            return OUT_OF_MEMORY
        print("".join(traceback.format_exception(error)), file=trace, flush=True)
    except MemoryError:  # The frames of the error still hold what filled the memory.
        return OUT_OF_MEMORY
    return 1


class _Teller:
    """Sends what it is told, and has the place of an item written down when its time is over."""

    def __init__(self, channel: _Channel, timeout: float, trace: IO[str] | None) -> None:
        self._channel = channel
        self._timeout = timeout
        self._trace = trace
        self._item: int | None = None

    def found(self, items: Sequence[Item]) -> None:
        self._begin(None)
        self._channel.tell(Found(tuple(items)))

    def working(self, item: int, stage: str) -> None:
        if item != self._item:
            self._begin(item)
        self._channel.tell(Working(item, stage))

    def made(self, item: int, result: Any) -> None:
        self._begin(None)
        try:
            event: Event = Made(item, msgspec.Raw(encode(result)))
        except (TypeError, ValueError, OverflowError) as error:  # Such as a name that is no valid Unicode.
            event = Unsendable(item, f"{type(error).__name__}: {error!a}")
        self._channel.tell(event)

    def finished(self, result: Any) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._channel.tell(Finished(msgspec.Raw(encode(result))))

    def start_clock(self) -> None:
        """Write the trace of all threads when the time for one item has gone by from now."""
        if self._trace is not None and self._timeout:
            faulthandler.dump_traceback_later(self._timeout, file=self._trace)

    def _begin(self, item: int | None) -> None:
        self._item = item
        self.start_clock()


def _limit_memory(count: int) -> None:
    """Let an allocation beyond ``count`` bytes fail, before it harms the machine."""
    import resource

    # The data segment, not the address space: maps of libraries and reserved addresses take no memory.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = count if hard == resource.RLIM_INFINITY else min(count, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
