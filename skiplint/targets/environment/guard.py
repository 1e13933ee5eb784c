"""Refuse what the user's code may not do while it is imported and run: reach the network, change its folder.

Statements that would do so are not run in the first place; this stands after them, for what a constructor or
a function does that could not be told from its syntax. Python's audit events tell of it before it happens.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from skiplint.sources.owners import owner

_NETWORK = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})
_CHANGES = frozenset(
    "os.mkdir os.rmdir os.remove os.rename os.link os.symlink os.truncate shutil.rmtree shutil.move "
    "shutil.copyfile shutil.copytree shutil.make_archive".split()
)
_PROGRAMS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class RefusedError(OSError):
    """The user's code tries what is not done while it is linted."""


class _Guard:
    """The folders that are guarded at the moment; with none, nothing is refused."""

    def __init__(self) -> None:
        self.installed = False
        self.folders: tuple[str, ...] = ()
        self.temporary = ""
        """The folder for temporary files, asked for beforehand: finding it writes files."""

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folders:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and self.holds(path):
                raise RefusedError(f"it writes the file {_text(path)}, which is not done while it is linted")
        elif event in _NETWORK:
            if event != "socket.connect" or not isinstance(arguments[1], str | bytes):
                raise RefusedError("it reaches for the network, which is not done while it is linted")
        elif event in _CHANGES:
            if any(self.holds(path) for path in arguments[:2]):
                raise RefusedError(f"it changes {_text(arguments[0])}, which is not done while it is linted")
        elif event in _PROGRAMS and _is_asked_by_user(sys._getframe(1)):
            raise RefusedError(
                f"it starts the program {_text(arguments[0])}, which is not done while it is linted"
            )

    def holds(self, path: Any) -> bool:
        """Whether ``path`` is in a guarded folder."""
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        full = os.path.abspath(_text(path))  # noqa: PTH100 - on each file that is opened
        if "__pycache__" in full:
            return False
        temporary = self.temporary
        return any(
            full.startswith(folder) and not (temporary.startswith(folder) and full.startswith(temporary))
            for folder in self.folders
        )


_guard = _Guard()


@contextmanager
def nothing_changed(*folders: Path) -> Iterator[None]:
    """Inside, no network is reached, and nothing is written below ``folders`` and the working directory.

    A folder that would be made there is not made; ``torch.save`` does nothing.
    """
    import torch

    if not _guard.installed:
        sys.addaudithook(_guard.hear)
        _guard.installed = True
    _guard.temporary = tempfile.gettempdir()
    before, save, make, makedirs = _guard.folders, torch.save, os.mkdir, os.makedirs
    guarded = (*(str(folder.resolve()) for folder in folders), *_working_folder())
    _guard.folders = (*before, *(folder.rstrip(os.sep) + os.sep for folder in guarded))
    torch.save = _saves_nothing
    os.mkdir, os.makedirs = _elsewhere(make), _elsewhere(makedirs)
    try:
        yield
    finally:
        torch.save, os.mkdir, os.makedirs = save, make, makedirs
        _guard.folders = before


def _working_folder() -> tuple[str, ...]:
    try:
        return (str(Path.cwd()),)
    except OSError:  # it is gone
        return ()


def _saves_nothing(*_: Any, **__: Any) -> None:
    return None


def _elsewhere(make: Callable[..., None]) -> Callable[..., None]:
    def made(path: Any, *args: Any, **kwargs: Any) -> None:
        if not _guard.holds(path):
            make(path, *args, **kwargs)

    return made


def _is_asked_by_user(frame: FrameType | None) -> bool:
    """Whether the user's code asks, itself or through the standard library."""
    while frame is not None:
        kind = owner(frame.f_code.co_filename)
        if kind not in ("library", "generated", "skiplint"):
            return kind == "user"
        frame = frame.f_back
    return False


def _text(path: Any) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
