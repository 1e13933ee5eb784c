"""Errors of a forward: why a model could not be traced."""

from __future__ import annotations

import dis
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, TracebackType

from skiplint.graph import Location
from skiplint.tracing.recording.sources import is_torch_file

SHAPE_ERRORS = (RuntimeError, ValueError, IndexError, AssertionError)
"""What torch raises where operands do not fit; its functions written in Python assert."""


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


class BackendLimitError(NotImplementedError):
    """A backend without values cannot run a forward, or the model has none for one that needs them."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """``Type: message`` of ``error`` on one line of at most ``limit`` characters."""
    message = " ".join(str(error).split())
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def user_place(trace: TracebackType | None) -> str:
    """``file:line`` of the innermost frame of ``trace`` that is neither torch's nor ours, or ""."""
    place = ""
    own = str(Path(__file__).parents[1])
    for frame in traceback.extract_tb(trace):
        if not is_torch_file(frame.filename) and not frame.filename.startswith((own, "<")):
            place = f"{frame.filename}:{frame.lineno}"
    return place


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a forward did not run. Unlike the error itself it keeps no tensor of the forward alive."""

    message: str
    """The error on one line."""
    location: Location | None
    """The innermost place that is neither torch's nor ours."""
    deliberate: bool
    """The model's own code raised it, by ``raise`` or an assertion."""


def refusal(error: BaseException) -> Refusal:
    """``error`` without its traceback."""
    path, _, line = user_place(error.__traceback__).rpartition(":")
    return Refusal(one_line(error), Location(path, int(line)) if path else None, is_deliberate(error))


_ASSERTING = frozenset({"_assert", "_check", "_check_value", "_check_index", "_check_type", "_check_with"})
_RAISES = frozenset({dis.opmap["RAISE_VARARGS"]})


def is_deliberate(error: BaseException) -> bool:
    """Whether the model's own code raised ``error``, by ``raise``, ``assert`` or ``torch._assert``.

    An error that torch raises while it runs a call of the model is none.
    """
    frames: list[tuple[CodeType, int]] = []
    step = error.__traceback__
    while step is not None:
        frames.append((step.tb_frame.f_code, step.tb_lasti))
        step = step.tb_next
    own = [number for number, (code, _) in enumerate(frames) if not is_torch_file(code.co_filename)]
    if not own:
        return False
    code, instruction = frames[own[-1]]
    called = frames[own[-1] + 1][0].co_name if own[-1] + 1 < len(frames) else None
    return called in _ASSERTING if called else code.co_code[instruction] in _RAISES


def verbose_text(error: BaseException) -> str:
    """The traceback of ``error`` as Python prints it."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))
