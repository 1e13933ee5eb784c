"""The lines of the user's code that made a call, read from the stack of frames."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

import torch

from skiplint.graph import Location
from skiplint.sources.frames import call_location, is_packaged

_TORCH = str(Path(torch.__file__).parent) + "/"
_OWN = str(Path(__file__).parents[1]) + "/"
_STDLIB = sysconfig.get_paths()["stdlib"].rstrip("/") + "/"
_MAX_FRAMES = 12


@cache
def is_torch_file(path: str) -> bool:
    """Return whether ``path`` is a file of torch."""
    return path.startswith(_TORCH)


@cache
def _is_noise(path: str) -> bool:
    """Whether a file is torch's, skiplint's or the standard library's, or generated code."""
    if path.startswith(("<", _TORCH, _OWN)):
        return True
    return path.startswith(_STDLIB) and not is_packaged(path)


class FrameReader:
    """Reads the user's frames from the stack, innermost first.

    Frames of an installed package count as the user's only if it is ``package``, the top-level package that
    defines the traced model. Frames of other packages come after them in ``Operation.stack``.
    """

    def __init__(self, package: str | None, stop: CodeType) -> None:
        self._own_part = f"/{package}/" if package else None
        self._stop = stop
        self._seen: dict[tuple[CodeType, int], Location] = {}

    def stack(self, depth: int) -> tuple[Location, ...]:
        """Return the user's frames, from the one ``depth`` calls up to the start of the traced forward."""
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
        return is_packaged(path) and (self._own_part is None or self._own_part not in path)

    def _locate(self, frame: FrameType) -> Location:
        key = (frame.f_code, frame.f_lasti)
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = call_location(frame)
        return found
