"""From a running frame to its place in the source."""

from __future__ import annotations

import itertools
from types import FrameType

from skiplint.graph import Location


def call_location(frame: FrameType) -> Location:
    """The place of the call that ``frame`` is in; its columns count bytes of UTF-8, as Python's own do."""
    code = frame.f_code
    column, end_line, end_column = _extent(frame)
    return Location(code.co_filename, frame.f_lineno, column, code.co_name, end_line, end_column)


def _extent(frame: FrameType) -> tuple[int | None, int | None, int | None]:
    """Column, last line and column after the end of the call, from 1; None where unknown."""
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:  # before Python 3.11 the code object does not know
        from executing import Source

        node = Source.executing(frame).node
        column, end_line, end_column = (
            getattr(node, name, None) for name in ("col_offset", "end_lineno", "end_col_offset")
        )
    else:
        at_this = itertools.islice(positions(), frame.f_lasti // 2, None)
        _, end_line, column, end_column = next(at_this, (None,) * 4)
    return _from_one(column), end_line, _from_one(end_column)


def _from_one(offset: int | None) -> int | None:
    return None if offset is None else offset + 1
