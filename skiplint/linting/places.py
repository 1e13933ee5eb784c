"""Paths of source files: absolute while they are compared, relative to the working directory when shown."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from skiplint.graph import Location


def absolute(path: str) -> str:
    """``path`` in the one spelling that is compared; a name such as ``<string>`` stays as it is."""
    return path if path.startswith("<") else os.path.abspath(path)  # noqa: PTH100 - links stay as the user wrote them


def shown(path: str) -> str:
    """``path`` as people would write it: relative, with forward slashes, when below the working directory."""
    if path.startswith("<"):
        return path
    try:
        return Path(path).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path


def absolute_place(place: Location) -> Location:
    """``place`` with an absolute path."""
    return dataclasses.replace(place, path=absolute(place.path))


def shown_place(place: Location | None) -> Location | None:
    """``place`` with a path as people would write it."""
    return None if place is None else dataclasses.replace(place, path=shown(place.path))
