"""The text files of a project, read once, and which of them mention a word."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Literal

from skiplint.sources.import_roots import import_root, is_project_top
from skiplint.sources.owners import SITE_FOLDERS, owner

Kind = Literal["python", "notebook", "document", "config"]

_KINDS: dict[str, Kind] = {
    ".py": "python",
    ".ipynb": "notebook",
    ".md": "document",
    ".rst": "document",
    ".yaml": "config",
    ".yml": "config",
    ".json": "config",
    ".toml": "config",
}
_MOST_BYTES: dict[Kind, int] = {
    "python": 1_000_000,
    "notebook": 2_000_000,
    "document": 500_000,
    "config": 200_000,
}
"""Larger files hold data."""
_WORD = re.compile(rb"(?<!\w)[A-Za-z_]\w*")
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MOST_FILES = 6_000
_MOST_FOLDERS = 4_000
"""A folder with more is no one project: a home folder, or one of many checkouts."""
_SKIPPED_FOLDERS = SITE_FOLDERS | frozenset("node_modules __pycache__ build dist venv env virtualenv".split())


def project_root(path: Path) -> Path:
    """The topmost folder of the project that the file ``path`` is part of.

    The nearest folder that has a project's files (pyproject.toml, .git, requirements.txt, ...); without one,
    the working directory where it contains the file, else the folder that its imports start from. A package
    that is installed, or of the standard library, is a project of its own.
    """
    start = import_root(path)
    if owner(str(path)) in ("installed", "torch", "library") and path.parent != start:
        return start / path.relative_to(start).parts[0]
    for folder in (start, *start.parents):
        if is_project_top(folder):
            return folder
    here = Path.cwd()
    return here if here in start.parents else start


class ProjectFiles:
    """The text files below one folder that are of use to a reader of models, in a fixed order."""

    def __init__(self, root: Path) -> None:
        """Take the files of ``root``; nothing is read before it is asked for."""
        self.root = root
        self.asked: set[str] = set()
        """Words that were looked up since this was last emptied: results depend on the answers."""
        self._mentions: dict[str, tuple[Path, ...]] = {}

    @cached_property
    def _texts(self) -> dict[Path, bytes]:
        texts: dict[Path, bytes] = {}
        for path, kind in islice(_listed(self.root), _MOST_FILES):
            with contextlib.suppress(OSError):
                if path.stat().st_size <= _MOST_BYTES[kind]:
                    texts[path] = path.read_bytes()
        return texts

    def of_kind(self, *kinds: Kind) -> tuple[Path, ...]:
        """The files of ``kinds``, by their place in the project."""
        return tuple(path for path in self._texts if _KINDS[path.suffix] in kinds)

    def text(self, path: Path) -> bytes:
        """The content of one of the files."""
        return self._texts[path]

    def mentioning(self, word: str, *kinds: Kind) -> tuple[Path, ...]:
        """The files of ``kinds`` in which ``word`` stands as a whole word."""
        self.asked.add(word)
        found = self._index.get(word.encode(), ()) if _PLAIN.fullmatch(word) else self._searched(word)
        return tuple(path for path in found if _KINDS[path.suffix] in kinds)

    @cached_property
    def _index(self) -> dict[bytes, list[Path]]:
        """The files by each word in them."""
        found: dict[bytes, list[Path]] = {}
        for path, text in self._texts.items():
            for word in set(_WORD.findall(text)):
                found.setdefault(word, []).append(path)
        return found

    def _searched(self, word: str) -> tuple[Path, ...]:
        """The files with a ``word`` of other characters."""
        if word not in self._mentions:
            pattern = re.compile(rb"(?<!\w)" + re.escape(word.encode()) + rb"(?!\w)")
            self._mentions[word] = tuple(path for path, text in self._texts.items() if pattern.search(text))
        return self._mentions[word]

    @cached_property
    def _digests(self) -> dict[Path, str]:
        return {path: hashlib.sha256(text).hexdigest() for path, text in self._texts.items()}

    def digest_of(self, word: str) -> str:
        """SHA-256, in hex, of the names and contents of all files that mention ``word``."""
        total = hashlib.sha256()
        for path in self.mentioning(word, "python", "notebook", "document", "config"):
            total.update(f"{path.relative_to(self.root).as_posix()}\0{self._digests[path]}\0".encode())
        return total.hexdigest()


def folders_below(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder from ``root`` down with the names of its files, sorted; not environments and builds."""
    for current, folders, files in os.walk(root):
        here = Path(current)
        folders[:] = sorted(name for name in folders if not _is_skipped(here / name))
        yield here, sorted(files)


def _listed(root: Path) -> Iterator[tuple[Path, Kind]]:
    for folder, files in islice(folders_below(root), _MOST_FOLDERS):
        for name in files:
            kind = _KINDS.get(os.path.splitext(name)[1])  # noqa: PTH122 - no Path for files that are left out
            if kind is not None and not name.startswith("."):
                yield folder / name, kind


def _is_skipped(folder: Path) -> bool:
    name = folder.name
    if name.startswith(".") or name in _SKIPPED_FOLDERS or name.endswith(".egg-info"):
        return True
    # https://bford.info/cachedir/ marks what a program keeps for itself.
    return (folder / "pyvenv.cfg").exists() or (folder / "CACHEDIR.TAG").exists()
