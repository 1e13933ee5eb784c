"""One worker process as its parent sees it: start it, give it assignments, listen to it, end it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading

import msgspec

from skiplint.run.workers.limits import Workers, processors
from skiplint.run.workers.messages import AnyEvent, Assignment, Died, Start, encode, event_decoder

Inbox = queue.SimpleQueue[tuple["Lane", AnyEvent]]
"""The events of all lanes, in the order in which they come."""

_STARTER = "import sys; sys.path[:] = {path!r}; from skiplint.run.workers.child import main; main()"
"""The path is set before anything is imported: a `types.py` beside the model must not be in the way."""


class Lane:
    """A process that is prepared once and then does one assignment after the other."""

    def __init__(self, workers: Workers, entry: str, setup: bytes, inbox: Inbox, *, share: int) -> None:
        """Start the process.

        Args:
            workers: its limits.
            entry: what it is for, as ``module:function``; see :data:`~skiplint.run.workers.messages.Entry`.
            setup: JSON that all of its assignments share, for the entry to read.
            inbox: where its events go.
            share: how many lanes the processors are divided among.

        Raises:
            OSError: it cannot be started.
        """
        threads = max(1, processors() // share) if share > 1 else 0
        limit = workers.memory_limit
        start = Start(entry, msgspec.Raw(setup), workers.timeout, limit, threads, workers.fork, workers.aloud)
        starter = _STARTER.format(path=[folder or os.getcwd() for folder in sys.path])  # noqa: PTH109
        self._fork = workers.fork
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", starter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C reaches the parent alone, and the whole group can be ended at once.
            start_new_session=True,
        )
        self.alive = True
        self._write(encode(start))
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def send(self, assignment: Assignment) -> None:
        """Give the worker something to do; one thing at a time, and not before it is ready."""
        self._write(encode(assignment))

    def end_worker(self) -> None:
        """Kill the process at work and all that it started; its death comes as an event."""
        if self._fork:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGUSR1)
        else:
            self._kill_group()

    def close(self) -> None:
        """End the process and everything that it started."""
        if self._fork and self._process.poll() is None:
            # The worker has a group of its own; the process that watches it knows which.
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._kill_group()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # It has died, which comes as an event.
            self._process.stdin.write(message + b"\n")
            self._process.stdin.flush()

    def _listen(self, inbox: Inbox) -> None:
        """Pass on what the process says until it says no more, in a thread of its own."""
        assert self._process.stdout is not None
        decoder = event_decoder()
        with contextlib.suppress(OSError, ValueError):  # Closed by the other thread.
            for line in self._process.stdout:
                with contextlib.suppress(msgspec.DecodeError):  # Half a line of a worker that has died.
                    inbox.put((self, decoder.decode(line)))
        code = self._process.wait()
        self.alive = False
        inbox.put((self, Died(code)))

    def _kill_group(self) -> None:
        if hasattr(os, "killpg") and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
