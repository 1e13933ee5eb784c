"""The Python files of a folder, and which of them use each other's classes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from skiplint.targets.models.syntax import FileSyntax, parse
from skiplint.targets.records import TargetError

_SKIPPED_FOLDERS = frozenset(
    "node_modules site-packages dist-packages __pycache__ build dist venv env virtualenv".split()
)


def folder_files(target: str) -> tuple[str, ...] | None:
    """The Python files of the folder ``target`` in a fixed order; None where it is no folder."""
    folder = Path(target)
    return tuple(path.as_posix() for path in python_files(folder)) if target and folder.is_dir() else None


def python_files(folder: Path) -> Iterator[Path]:
    """The Python files that linting ``folder`` looks at, in order: not those of environments and builds."""
    for current, folders, files in os.walk(folder):
        here = Path(current)
        folders[:] = sorted(name for name in folders if not _is_skipped(here / name))
        yield from (
            here / name for name in sorted(files) if name.endswith(".py") and not name.startswith(".")
        )


def _is_skipped(folder: Path) -> bool:
    name = folder.name
    if name.startswith(".") or name in _SKIPPED_FOLDERS or name.endswith(".egg-info"):
        return True
    return (folder / "pyvenv.cfg").exists()


def parts_elsewhere(parts: Sequence[tuple[str, str]], files: Sequence[str]) -> set[tuple[str, str]]:
    """Which of ``parts`` (file, class), models that need arguments, a model in another of ``files`` uses."""
    syntaxes: list[FileSyntax] = []
    for file in files if parts else ():
        with contextlib.suppress(TargetError):  # The entry of the file itself reports it.
            syntaxes.append(parse(Path(file)))
    return {(path, name) for path, name in parts if _is_used(Path(path).stem, name, syntaxes)}


def _is_used(stem: str, name: str, syntaxes: list[FileSyntax]) -> bool:
    return any(
        stem in syntax.modules and any(name in syntax.references[other] for other in syntax.classes)
        for syntax in syntaxes
    )
