"""Paths of source files: absolute while they are compared, relative to the working directory when shown."""

from __future__ import annotations

import dataclasses
import linecache
import os
from pathlib import Path

from skiplint.graph import Location


def absolute(path: str) -> str:
    """``path`` as the absolute path that is compared; a name such as ``<string>`` stays as it is."""
    return path if path.startswith("<") else os.path.abspath(path)  # noqa: PTH100 - links stay as the user wrote them


def shown(path: str | Path) -> str:
    """``path`` as people would write it: relative, with forward slashes, when below the working directory.

    A path through a link that leads into the working directory counts as below it.
    """
    written = str(path)
    if not written or written.startswith("<"):
        return written
    try:
        here = Path.cwd()
        for spelling in (Path(os.path.abspath(written)), Path(written).resolve()):  # noqa: PTH100
            if spelling.is_relative_to(here):
                return spelling.relative_to(here).as_posix()
    except OSError:  # The working directory is gone, or links go round in a circle.
        pass
    return Path(written).as_posix()


def absolute_place(place: Location) -> Location:
    """``place`` with an absolute path."""
    return dataclasses.replace(place, path=absolute(place.path))


def shown_place(place: Location | None) -> Location | None:
    """``place`` with a path as people would write it and columns that count characters."""
    if place is None:
        return None
    return dataclasses.replace(
        place,
        path=shown(place.path),
        column=_character_column(place.path, place.line, place.column),
        end_column=_character_column(place.path, place.end_line, place.end_column),
    )


def _character_column(path: str, line: int | None, column: int | None) -> int | None:
    """``column`` in characters; Python's own, which traces give, counts bytes of UTF-8."""
    if line is None or column is None:
        return column
    before = linecache.getline(path, line).encode()[: column - 1]
    # Past the end of a line that has changed since, bytes are all there is to go by.
    return len(before.decode(errors="ignore")) + 1 if len(before) == column - 1 else column
