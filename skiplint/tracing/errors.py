"""Why a model could not be traced."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from skiplint.tracing.sources import is_torch_file


class TraceError(Exception):
    """The model's forward did not run on any backend.

    ``str()`` is one line that names the error and the user's line; ``verbose`` is the traceback of the
    user's frames. ``needs_values`` says that the model has no real weights, so that it could not be run
    with values: build it on the CPU and trace it again.
    """

    def __init__(self, message: str, *, verbose: str = "", needs_values: bool = False) -> None:
        super().__init__(message)
        self.verbose = verbose
        self.needs_values = needs_values


def one_line(error: BaseException, limit: int = 300) -> str:
    """``Type: message`` of ``error`` on one line of at most ``limit`` characters."""
    message = " ".join(str(error).split())
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def user_place(trace: TracebackType | None) -> str:
    """``file:line`` of the innermost frame of ``trace`` that is neither torch's nor ours, or ""."""
    place = ""
    own = str(Path(__file__).parent)
    for frame in traceback.extract_tb(trace):
        if not is_torch_file(frame.filename) and not frame.filename.startswith((own, "<")):
            place = f"{frame.filename}:{frame.lineno}"
    return place


def verbose_text(error: BaseException) -> str:
    """The traceback of ``error`` as Python prints it."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))
