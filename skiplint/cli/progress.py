"""What a run is at: a line with a bar on a terminal, now and then a plain line elsewhere, both on stderr."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from skiplint.display.facts import counted
from skiplint.progress import reported_to
from skiplint.reporting.model_report import ModelReport, Status
from skiplint.run.follower import Follower

DELAY = 1.0
"""Seconds before the bar shows."""
FIRST_LINE = 30.0
"""Seconds before the first plain line; each pause is twice the one before."""
LONGEST_PAUSE = 300.0
"""CI systems end a job that has printed nothing for ten minutes or more."""
_SLOW = 5.0
"""Seconds from which on it is said how long one model has taken."""


class Standing(Follower):
    """How far a run is, in words; may be asked from another thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin before the run; ``clock`` gives seconds."""
        self.show: Callable[[ModelReport], None] = lambda _: None
        """Called with each model whose place in the report is fixed."""
        self._clock = clock
        self._begun = clock()
        self._units = self._units_done = self._models = 0
        self._noun = "target"
        self._statuses: list[Status] = []
        self._at_work: dict[str, float] = {}

    def planned(self, units: int, noun: str) -> None:
        """The run has so many units."""
        self._units, self._noun = units, noun

    def found(self, models: int) -> None:
        """There are so many models more."""
        self._models += models

    def working(self, target: str, stage: str) -> None:
        """Work on ``target`` goes on."""
        del stage
        self._at_work.setdefault(target, self._clock())

    def done(self, target: str, status: Status) -> None:
        """``target`` is done."""
        self._at_work.pop(target, None)
        self._statuses.append(status)

    def unit_done(self) -> None:
        """A unit is done."""
        self._units_done += 1

    def reported(self, model: ModelReport) -> None:
        """The place of ``model`` in the report is fixed."""
        self.show(model)

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return self._clock() - self._begun

    def share(self) -> tuple[int, int]:
        """How many units of how many are done; models, where there is one unit."""
        if self._units == 1:
            return len(self._statuses), self._models
        return self._units_done, self._units

    def __str__(self) -> str:
        done, total = self.share()
        noun = "model" if self._units == 1 else self._noun
        parts = [f"{done} of {counted(total, noun)}"] if total else []
        if failed := self._statuses.count("failed"):
            parts.append(f"{failed} failed")
        # The one that has been at work for the longest.
        oldest = min(list(self._at_work.items()), key=lambda pair: pair[1], default=None)
        if oldest is not None:
            took = self._clock() - oldest[1]
            parts.append(oldest[0] + (f" ({took:.0f} s)" if took >= _SLOW else ""))
        return ", ".join(parts) or "starting"


@contextlib.contextmanager
def progress(show: Callable[[ModelReport], None] = lambda _: None) -> Iterator[Follower]:
    """Say on stderr what a run is at, while it goes on.

    On a terminal a bar appears after a second. Elsewhere a line is written after half a minute, and from then
    on at growing intervals, so that a log of CI shows that a long run goes on.

    Args:
        show: called with the report of each model that is done, in order; it may print.
    """
    standing = Standing()
    with _bar(standing) if sys.stderr.isatty() else _lines(standing) as aside:

        def reported(model: ModelReport) -> None:
            with aside():
                show(model)

        standing.show = reported
        yield standing


Aside = Callable[[], contextlib.AbstractContextManager[Any]]
"""Makes room for other output while it is entered."""


@contextlib.contextmanager
def _lines(standing: Standing) -> Iterator[Aside]:
    over = threading.Event()

    def speak() -> None:
        pause = FIRST_LINE
        while not over.wait(pause):
            print(f"skiplint: after {standing.seconds:.0f} s: {standing}", file=sys.stderr, flush=True)
            pause = min(2 * pause, LONGEST_PAUSE)

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield contextlib.nullcontext
    finally:
        over.set()
        speaker.join()


@contextlib.contextmanager
def _bar(standing: Standing) -> Iterator[Aside]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
    from rich.text import Text

    class Now(ProgressColumn):
        def render(self, task: Task) -> Text:
            done, total = standing.share()
            if not task.description:
                bar.update(task.id, completed=done, total=total or None)
            text = f"{standing}: {task.description}" if task.description else str(standing)
            return Text(text, no_wrap=True, overflow="ellipsis")

    columns = (SpinnerColumn(), BarColumn(bar_width=20), TimeElapsedColumn(), Now())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=None)
    lock = threading.RLock()
    visible = False

    def begin() -> None:
        nonlocal visible
        with lock:
            bar.start()
            visible = True

    def next_step(what: str, done: int, total: int) -> None:
        bar.update(task, description=what if done < total else "", completed=done, total=total)

    @contextlib.contextmanager
    def aside() -> Iterator[None]:
        with lock:
            if visible:
                bar.stop()
            yield
            if visible:
                bar.start()

    patience = threading.Timer(DELAY, begin)
    patience.daemon = True
    patience.start()
    try:
        with reported_to(next_step):
            yield aside
    finally:
        patience.cancel()
        patience.join()
        bar.stop()
