"""The line of source that a finding is about."""

from __future__ import annotations

import linecache

from skiplint.graph import Location


def source_line(place: Location) -> str:
    """The source line without its line ending; empty where it cannot be read."""
    linecache.checkcache(place.path)  # A notebook lints a file, has it edited, and lints it again.
    return linecache.getline(place.path, place.line).rstrip()
