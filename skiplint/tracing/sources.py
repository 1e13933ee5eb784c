"""From a running frame to the user's line."""

from __future__ import annotations

import itertools
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

import torch

from skiplint.graph import Location

_TORCH = str(Path(torch.__file__).parent) + "/"
_OWN = str(Path(__file__).parent) + "/"
_STDLIB = sysconfig.get_paths()["stdlib"].rstrip("/") + "/"
_PACKAGES = ("/site-packages/", "/dist-packages/")
_MAX_FRAMES = 12


@cache
def is_torch_file(path: str) -> bool:
    """Whether ``path`` belongs to the torch package itself."""
    return path.startswith(_TORCH)


def _is_installed(path: str) -> bool:
    return any(part in path for part in _PACKAGES)


@cache
def _is_noise(path: str) -> bool:
    """Frames nobody looks for: torch, this package, the standard library, generated code."""
    if path.startswith(("<", _TORCH, _OWN)):
        return True
    return path.startswith(_STDLIB) and not _is_installed(path)


def _column(frame: FrameType) -> int | None:
    """The column of the call that ``frame`` is in, from 1."""
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:  # before Python 3.11 the code object does not know
        from executing import Source

        node = Source.executing(frame).node
        return None if node is None else int(node.col_offset) + 1
    _, _, column, _ = next(itertools.islice(positions(), frame.f_lasti // 2, None), (None,) * 4)
    return None if column is None else column + 1


class FrameReader:
    """Reads the user's frames off the stack, innermost first.

    Frames of installed packages count as the user's only inside ``package`` (the top-level package that
    defines the traced model); others stand behind the user's own in ``Operation.stack``.
    """

    def __init__(self, package: str | None, stop: CodeType) -> None:
        self._own_part = f"/{package}/" if package else None
        self._stop = stop
        self._seen: dict[tuple[CodeType, int], Location] = {}

    def stack(self, depth: int) -> tuple[Location, ...]:
        """The frames above the one ``depth`` calls up, up to the start of the traced forward."""
        frame: FrameType | None = sys._getframe(depth)
        own: list[Location] = []
        foreign: list[Location] = []
        while frame is not None and frame.f_code is not self._stop:
            path = frame.f_code.co_filename
            if not _is_noise(path):
                (foreign if self._is_foreign(path) else own).append(self._locate(frame))
            frame = frame.f_back
        return tuple((own + foreign)[:_MAX_FRAMES])

    def _is_foreign(self, path: str) -> bool:
        return _is_installed(path) and (self._own_part is None or self._own_part not in path)

    def _locate(self, frame: FrameType) -> Location:
        key = (frame.f_code, frame.f_lasti)
        found = self._seen.get(key)
        if found is None:
            code = frame.f_code
            found = Location(code.co_filename, frame.f_lineno, _column(frame), code.co_name)
            self._seen[key] = found
        return found
