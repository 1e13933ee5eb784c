"""Writing output: only the report goes to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from skiplint.cli.failures import UsageError
from skiplint.cli.options import Color
from skiplint.reporting.formats.style import Style
from skiplint.sources.atomic_files import write_at_once

_PIPED_WIDTH = 100


def style_for(color: Color, *, file: Path | None, verbosity: int = 0) -> Style:
    """The style for stdout, or for a file, which has colour only with ``--color always``."""
    terminal = file is None and sys.stdout.isatty()
    width = shutil.get_terminal_size((_PIPED_WIDTH, 24)).columns
    if not terminal and "COLUMNS" not in os.environ:
        width = _PIPED_WIDTH
    forced = file is None and bool(os.environ.get("FORCE_COLOR"))
    able = forced or (terminal and os.environ.get("TERM") != "dumb")
    wanted = able and not os.environ.get("NO_COLOR")
    return Style(
        color=color is Color.ALWAYS or (color is Color.AUTO and wanted),
        width=width,
        verbosity=verbosity,
        failures=file is not None,
    )


def emit(text: str, file: Path | None) -> None:
    """Write the report to stdout or, atomically, to ``file``.

    Raises:
        UsageError: it cannot be written.
    """
    if file is None:
        _print(text, sys.stdout)
        return
    try:
        write_at_once(file, text.encode("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror or error}") from None


def _print(text: str, stdout: TextIO) -> None:
    try:
        stdout.write(text)
        stdout.flush()
    except BrokenPipeError:
        raise  # The reader wants no more, which is no error.
    except OSError as error:
        _discard(stdout.fileno())
        raise UsageError(f"cannot write to stdout: {error.strerror or error}") from None


def discard_stdout() -> None:
    """Drop what could not be written to stdout, since Python would report the error again at exit."""
    _discard(sys.stdout.fileno())


def _discard(descriptor: int) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


@contextlib.contextmanager
def stdout_to_stderr(*, aloud: bool) -> Iterator[Callable[[str], None]]:
    """Send everything that the user's model prints to stderr, also what libraries in C print.

    Yields a function that writes to the real stdout all the same; it raises
    :class:`~skiplint.cli.failures.UsageError` where that cannot be done.

    Args:
        aloud: show its warnings, which come again with every input that is tried.
    """
    stdout = sys.stdout
    stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:  # No stdout at all, so there is nothing to keep clean.
        yield lambda text: _print(text, stdout)
        return

    def write(text: str) -> None:
        os.dup2(saved, 1)
        try:
            _print(text, stdout)
        except (OSError, UsageError):
            _discard(saved)
            raise
        finally:
            os.dup2(2, 1)

    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            if not aloud:
                warnings.simplefilter("ignore")
            yield write
    finally:
        os.dup2(saved, 1)
        os.close(saved)
