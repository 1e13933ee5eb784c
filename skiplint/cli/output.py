"""Where output goes: the report alone on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from skiplint.cli.failures import UsageError
from skiplint.cli.options import Color
from skiplint.reporting.style import Style

_PIPED_WIDTH = 100


def style_for(color: Color, *, file: Path | None, verbosity: int = 0) -> Style:
    """The style for stdout, or for a file, which gets no colour unless it is asked for."""
    terminal = file is None and sys.stdout.isatty()
    width = shutil.get_terminal_size((_PIPED_WIDTH, 24)).columns
    if not terminal and "COLUMNS" not in os.environ:
        width = _PIPED_WIDTH
    wanted = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(
        color=color is Color.ALWAYS or (color is Color.AUTO and wanted),
        width=width,
        verbosity=verbosity,
        failures=file is not None,
    )


def emit(text: str, file: Path | None) -> None:
    """Write the report to stdout or, all at once, to ``file``."""
    if file is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        _write_at_once(text, file)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror or error}") from None


def _write_at_once(text: str, file: Path) -> None:
    """Readers see the old file or the new one, never half of it."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)  # As open() would have made it; mkstemp's is for the owner only.
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what the user's model prints to stderr, printed by Python or by a library in C."""
    sys.stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:  # No stdout at all, so there is nothing to keep clean.
        yield
        return
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show on a terminal which model is at work, and a bar for the long parts of it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

    from skiplint.progress import reported_to

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("importing torch", total=None)
        target = ""

        def start(name: str) -> None:
            nonlocal target
            target = name
            shown.update(task, description=f"linting {name}", total=None)

        def report(what: str, done: int, total: int) -> None:
            shown.update(task, description=f"{target}: {what}", completed=done, total=total)

        with reported_to(report):
            yield start
