"""From a running frame to a place in the source, and whose source that is."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from types import FrameType

from skiplint.graph import Location

_PACKAGES = frozenset({"site-packages", "dist-packages"})


@cache
def is_packaged(path: str) -> bool:
    """Whether a source file lies in a folder of installed packages."""
    return not _PACKAGES.isdisjoint(Path(path).parts)


def call_location(frame: FrameType) -> Location:
    """The call that ``frame`` is in."""
    code = frame.f_code
    return Location(code.co_filename, frame.f_lineno, _column(frame), code.co_name)


def _column(frame: FrameType) -> int | None:
    """The column at which the call starts, from 1."""
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:  # before Python 3.11 the code object does not know
        from executing import Source

        node = Source.executing(frame).node
        return None if node is None else int(node.col_offset) + 1
    _, _, column, _ = next(itertools.islice(positions(), frame.f_lasti // 2, None), (None,) * 4)
    return None if column is None else column + 1
