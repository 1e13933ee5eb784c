"""The line of source that a finding is about."""

from __future__ import annotations

import linecache

from skiplint.graph import Location


def source_line(place: Location) -> str:
    """The line as it stands in the file, without its end; empty where it cannot be read."""
    return linecache.getline(place.path, place.line).rstrip()


def character_column(place: Location) -> int | None:
    """The column in characters, from 1; a traced column counts bytes of UTF-8, as Python's own do."""
    if place.column is None:
        return None
    before = source_line(place).encode()[: place.column - 1]
    # Past the end of a line that changed since, or of one that cannot be read, bytes are all there is.
    return len(before.decode(errors="ignore")) + 1 if len(before) == place.column - 1 else place.column
