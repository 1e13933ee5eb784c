"""Which targets a change since a git revision may concern, told without importing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiplint.sources.changes import changed_files
from skiplint.sources.imports import ImportScan, is_importable
from skiplint.targets import python_files, split_target


@dataclass(frozen=True, slots=True)
class TargetFiles:
    """The files that one target names."""

    target: str
    files: tuple[Path, ...] = ()
    """Python files and saved programs; empty for a module of an installed package."""
    folder: Path | None = None
    """The folder, where the target is one."""
    missing: bool = False
    """There is nothing of this name, which linting it will say."""


def target_files(target: str, scan: ImportScan) -> TargetFiles:
    """The files that ``target`` names: a file, a folder's files, or those of a module."""
    location = split_target(target)[0]
    path = Path(location)
    if path.is_dir():
        return TargetFiles(target, tuple(python_files(path)), path)
    if path.is_file():
        return TargetFiles(target, (path,))
    found = scan.module_file(location)
    if found is not None:
        return TargetFiles(target, (found,))
    return TargetFiles(target, missing=not is_importable(location))


def affected_targets(targets: Sequence[str], base: str, folder: Path) -> tuple[list[str], frozenset[Path]]:
    """The targets that a change since revision ``base`` may concern, and their files that it may concern.

    A change concerns a file if that differs itself, or a local file that it imports, directly or not.

    Args:
        targets: what the user typed.
        base: a git revision.
        folder: the working directory.

    Returns:
        The targets, in their order, and the real paths of the files.

    Raises:
        ChangesError: git cannot say what changed.
    """
    changed = changed_files(base, folder)
    scan = ImportScan(folder)
    kept: list[str] = []
    among: set[Path] = set()
    for target in targets:
        found = target_files(target, scan)
        hit = [path for path in found.files if not changed.isdisjoint(scan.reachable([path]))]
        among.update(path.resolve() for path in hit)
        if hit or found.missing:
            kept.append(target)
    return kept, frozenset(among)
