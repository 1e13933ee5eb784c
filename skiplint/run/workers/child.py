"""The process that runs the user's models. Started by :mod:`skiplint.run.workers.pool`, not imported by it.

Requests come on what was stdin and events go out on what was stdout, both moved out of the way of the user's
code, which finds an empty stdin and whose output goes to stderr. On Linux this process imports torch and then
only watches a forked copy of itself, so that there is a new one at once when the user's code ends one.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import faulthandler
import json
import os
import signal
import sys
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from types import FrameType
from typing import IO, BinaryIO

import msgspec

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.reporting.report import ModelReport
from skiplint.run.outcome import Outcome, untraced
from skiplint.run.workers.deaths import OUT_OF_MEMORY
from skiplint.run.workers.messages import (
    Died,
    Event,
    Finished,
    Found,
    Made,
    Ready,
    Request,
    Unfit,
    Working,
    encode,
)

_OVER = 84
"""Exit status of a worker that was told that there is no more to do."""
_PR_SET_PDEATHSIG = 1
_OUT_OF_MEMORY = ("MemoryError", "not enough memory", "can't allocate memory")
_BLAMES_SKIPLINT = "skiplint itself failed"
_TRACE_LIMIT = 20_000


@dataclass(frozen=True)
class _Channel:
    """The way to the parent."""

    requests: BinaryIO
    events: BinaryIO

    def tell(self, event: Event) -> None:
        """Write one event, at once."""
        self.events.write(encode(event))
        self.events.flush()


def main() -> None:
    """Import torch and carry out requests until there are no more."""
    timeout, memory, threads, fork = json.loads(sys.argv[1])
    channel = _take_over_standard_streams()
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us.
    job = channel.requests.readline()
    try:
        _import_everything(threads)
        if fork:
            _supervise(channel, job, timeout, memory)
        _serve(channel, job, timeout, memory, None)
    except BaseException as error:
        said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        channel.tell(Unfit(said, "".join(traceback.format_exception(error))))
        os._exit(1)
    os._exit(_OVER)  # Threads and exit handlers of the user's code have no say in this.


def _take_over_standard_streams() -> _Channel:
    channel = _Channel(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return channel


def _import_everything(threads: int) -> None:
    """What every model needs, so that it is there already in each forked process."""
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
    import torch
    from torch import nn

    from skiplint.analysis.analysis import Analysis
    from skiplint.tracing import trace

    if threads:
        torch.set_num_threads(threads)
    # Torch and the analyses import a good part of what they need when they first run.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny = Analysis(trace(nn.Linear(2, 2, device="meta"), torch.empty(1, 2, device="meta")))
        _ = tiny.skips, tiny.memory, tiny.paths


# -- the watching process ------------------------------------------------------------------------------


def _supervise(channel: _Channel, job: bytes, timeout: float, memory: int) -> None:
    """Fork workers, one after the other; returns in the worker, and never in this process."""
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
            _serve(channel, job, timeout, memory, trace)
            os._exit(_OVER)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
        # Its number is not given to another process before it has been waited for.
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
        _kill_group(worker)  # What it has left behind.
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


def _serve(channel: _Channel, job: bytes, timeout: float, memory: int, trace: IO[str] | None) -> None:
    """Carry out requests until there are no more."""
    from skiplint.run.examine import Examiner

    if trace is not None:
        faulthandler.enable(trace)
    if memory:
        _limit_memory(memory)
    tell = _Teller(channel, timeout, memory, trace)
    examiner = Examiner.from_job(job)
    channel.tell(Ready())
    while line := channel.requests.readline():
        request = msgspec.json.decode(line, type=Request)
        tell.start_clock()
        try:
            examiner.carry_out(request.unit, tell, leave_out=frozenset(request.leave_out))
        except BaseException as error:  # Such as a KeyboardInterrupt of the user's own.
            if _is_out_of_memory(error):
                os._exit(OUT_OF_MEMORY)
            print(traceback.format_exc(), file=trace or sys.stderr, flush=True)
            os._exit(1)


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory left; what failed for it in the end may be another error."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        traceback.clear_frames(following.__traceback__)  # What the model holds; there may be no room else.
        following = following.__cause__ or following.__context__
    words = " ".join(f"{type(each).__name__} {each}" for each in seen)
    return any(word in words for word in _OUT_OF_MEMORY)


class _Teller:
    """Passes events on, and has the place written down where a model is when its time is over."""

    def __init__(self, channel: _Channel, timeout: float, memory: int, trace: IO[str] | None) -> None:
        self._channel = channel
        self._timeout = timeout
        self._memory = memory
        self._trace = trace
        self._model: int | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Working) and event.model != self._model:
            self._model = event.model
            self.start_clock()
        elif isinstance(event, Made):
            event = Made(event.model, self._explained(event.outcome))
        if isinstance(event, Found | Made):
            self._model = None
            self.start_clock()
        elif isinstance(event, Finished):
            faulthandler.cancel_dump_traceback_later()
        try:
            self._channel.tell(event)
        except (TypeError, ValueError, OverflowError) as error:  # Such as a name that is no valid Unicode.
            if not isinstance(event, Made):
                raise
            self._channel.tell(Made(event.model, _unspeakable(event.outcome.report, error)))

    def start_clock(self) -> None:
        """Write the trace of all threads when the time for one model has gone by from now."""
        if self._trace is not None and self._timeout:
            faulthandler.dump_traceback_later(self._timeout, file=self._trace)

    def _explained(self, outcome: Outcome) -> Outcome:
        reason = outcome.report.reason
        if not self._memory or reason is None or not any(words in reason for words in _OUT_OF_MEMORY):
            return outcome
        if reason.startswith(_BLAMES_SKIPLINT):
            reason = "it ran out of memory"  # What the model holds, skiplint lacks.
        said = f"{reason} (one model may take {byte_size(self._memory)}: --memory-limit)"
        return dataclasses.replace(outcome, report=msgspec.structs.replace(outcome.report, reason=said))


def _unspeakable(report: ModelReport, error: Exception) -> Outcome:
    said = f"skiplint itself failed on this model, please report it: {type(error).__name__}: {error!a}"
    target, name = (text.encode(errors="replace").decode() for text in (report.target, report.name))
    return untraced(ModelReport(target=target, name=name, status="failed", reason=said))


def _limit_memory(count: int) -> None:
    """Let an allocation beyond ``count`` bytes fail, instead of the machine."""
    import resource

    # The data segment, not the address space: maps of libraries and reserved addresses take no memory.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = count if hard == resource.RLIM_INFINITY else min(count, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
