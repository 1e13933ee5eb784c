"""Whose a source file is."""

from __future__ import annotations

import importlib.util
import os
import sysconfig
from functools import cache
from pathlib import Path
from typing import Literal

Owner = Literal["user", "torch", "installed", "library", "skiplint", "generated"]
"""The user's own; torch's; another installed package's; the standard library's; skiplint's; no file at all,
such as ``<string>``."""

SITE_FOLDERS = frozenset({"site-packages", "dist-packages"})
"""The names of folders that hold installed packages."""
_SKIPLINT = tuple({str(path.parents[1]) + os.sep for path in (Path(__file__), Path(__file__).resolve())})
_LIBRARY = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})


@cache
def owner(path: str) -> Owner:
    """Whose the source file ``path`` is."""
    if path.startswith("<"):
        return "generated"
    if path.startswith(_SKIPLINT):
        return "skiplint"
    if path.startswith(_torch_folders()):
        return "torch"
    if not SITE_FOLDERS.isdisjoint(Path(path).parts):
        return "installed"
    return "library" if path.startswith(_LIBRARY) else "user"


@cache
def _torch_folders() -> tuple[str, ...]:
    """Where torch is, told without importing it."""
    spec = importlib.util.find_spec("torch")
    places = spec.submodule_search_locations if spec is not None else None
    return tuple(place + os.sep for place in places or ())
