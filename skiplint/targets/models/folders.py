"""The Python files of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from skiplint.sources.project_files import folders_below


def folder_files(target: str) -> tuple[str, ...] | None:
    """The Python files of the folder ``target`` in a fixed order; None where it is no folder."""
    folder = Path(target)
    return tuple(path.as_posix() for path in python_files(folder)) if target and folder.is_dir() else None


def python_files(folder: Path) -> Iterator[Path]:
    """The Python files that linting ``folder`` looks at, in order: not those of environments and builds."""
    for here, files in folders_below(folder):
        yield from (here / name for name in files if name.endswith(".py") and not name.startswith("."))
