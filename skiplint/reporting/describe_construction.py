"""The arguments of a model's constructor as they are written: JSON where they are JSON, else as text."""

from __future__ import annotations

import math
import re
from typing import Any

from skiplint.reporting.model_report import BuiltWithReport
from skiplint.targets.records import Arguments, ArgumentsSource

_ADDRESS = re.compile(r" (?:object )?at 0x[0-9a-fA-F]+")
_TEXT_LIMIT = 200
_DEPTH_LIMIT = 20
_EXACT = 2**53
"""Readers of JSON that have no integers hold those up to this one exactly."""


def describe_construction(source: ArgumentsSource, place: str, arguments: Arguments) -> BuiltWithReport:
    """The ``arguments`` that a model was constructed with, and where they come from."""
    args, kwargs = arguments
    return BuiltWithReport(
        args=tuple(plain(value) for value in args),
        kwargs={name: plain(value) for name, value in kwargs.items()},
        source=source,
        place=place,
    )


def plain(value: Any, depth: int = 0) -> Any:
    """``value`` if it is JSON, with tuples as lists; else its text, the same in every run."""
    if value is None or type(value) is bool:
        return value
    if type(value) is int and abs(value) <= _EXACT:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is str and value.isprintable() and len(value) <= _TEXT_LIMIT:
        return value
    if depth < _DEPTH_LIMIT:
        if type(value) in (list, tuple):
            return [plain(item, depth + 1) for item in value]
        if type(value) is dict and all(type(key) is str and key.isprintable() for key in value):
            return {key: plain(item, depth + 1) for key, item in value.items()}
    return _text(value)


def _text(value: Any) -> str:
    try:
        if type(value) in (set, frozenset):  # Their order differs from run to run.
            said = f"{{{', '.join(sorted(map(repr, value)))}}}"
        else:
            said = repr(value)
    except Exception:  # The user's own __repr__, which nobody needs for anything else.
        said = f"<{type(value).__name__}>"
    line = " ".join(_ADDRESS.sub("", said).split()).encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= _TEXT_LIMIT else f"{line[: _TEXT_LIMIT - 1]}…"
