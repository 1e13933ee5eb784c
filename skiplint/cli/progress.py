"""A progress bar on stderr for runs that take longer than a second."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

from skiplint.progress import reported_to

DELAY = 1.0
"""Seconds before the bar shows."""


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show on a terminal which model is being linted, how many are done and how long it has taken.

    The total is known only after the last folder has been searched, so the bar has no end, except during the
    long steps of one model. There is no bar if stderr is not a terminal. Yields a function that takes the
    target of the next model.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[done]} done"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("importing torch", total=None, done=0)
    started = 0
    current = ""

    def next_model(target: str) -> None:
        nonlocal started, current
        bar.update(task, description=f"linting {target}", done=started, total=None)
        started += 1
        current = target

    def next_step(what: str, done: int, total: int) -> None:
        bar.update(task, description=f"{current}: {what}", completed=done, total=total)

    patience = threading.Timer(DELAY, bar.start)
    patience.daemon = True
    patience.start()
    try:
        with reported_to(next_step):
            yield next_model
    finally:
        patience.cancel()
        patience.join()
        bar.stop()
