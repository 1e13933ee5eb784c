"""What the result of a run depends on, so that a later run can tell whether it still holds.

Local files count by their content, installed packages by their version. It also counts that a package is not
installed, and that no local file is found before an installed one. Data files, the network and environment
variables are not seen.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from skiplint.sources.import_roots import import_root, outer_roots
from skiplint.sources.imports import closure, imports_of, is_importable
from skiplint.sources.owners import owner
from skiplint.sources.project_files import ProjectFiles


@dataclass(frozen=True)
class Footprint:
    """What must be as it was for a result to be as it was; all paths are absolute."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Digest of the content by path."""
    distributions: Mapping[str, int] = field(default_factory=dict)
    """Metadata folders of installed packages, whose names hold the version; the size of their RECORD."""
    absent: tuple[str, ...] = ()
    """Files that would be imported in place of others if they were there."""
    missing: tuple[str, ...] = ()
    """Packages that an import asks for and that are not installed."""
    mentions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By topmost folder of a project, words that were looked up in its files; the digest of those files."""

    def holds(self, digests: dict[str, str | None], projects: dict[str, ProjectFiles]) -> bool:
        """Whether everything is as it was; ``digests`` and ``projects`` keep what was read for the next."""
        for path, known in self.files.items():
            if path not in digests:
                digests[path] = digest(path)
            if digests[path] != known:
                return False
        return (
            all(_record_size(folder) == size for folder, size in self.distributions.items())
            and not any(os.path.lexists(path) for path in self.absent)
            and not any(is_importable(name) for name in self.missing)
            and all(self._mentioned_alike(root, projects) for root in self.mentions)
        )

    def _mentioned_alike(self, root: str, projects: dict[str, ProjectFiles]) -> bool:
        files = projects.setdefault(root, ProjectFiles(Path(root)))
        return all(files.digest_of(word) == known for word, known in self.mentions[root].items())


def digest(path: str) -> str | None:
    """SHA-256 of the content of ``path``, in hex; None where it cannot be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - hot in a cached run
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


def source_digest(places: Iterable[str]) -> str:
    """SHA-256 of all Python sources in ``places`` (files and folders), to tell builds apart."""
    total = hashlib.sha256()
    for place in sorted(places):
        for path in sorted(Path(place).rglob("*.py")) if Path(place).is_dir() else [Path(place)]:
            total.update(f"{path.relative_to(place).as_posix()}\0{digest(str(path))}\0".encode())
    return total.hexdigest()


def record(
    paths: Iterable[str],
    modules: Iterable[str],
    *,
    since: float,
    mentions: Mapping[str, Mapping[str, str]] | None = None,
) -> Footprint | None:
    """What the models that have just been run in this process depended on.

    Args:
        paths: the files that were asked for.
        modules: names of the modules that were asked for, and of those that the run imported.
        since: when this process began to import the user's modules (seconds since the epoch).
        mentions: words that were looked up in the files of projects, as in :attr:`Footprint.mentions`.

    Returns:
        None where a file is newer than ``since``, so that what ran may not be what stands there now.
    """
    walk = _Walk()
    used = walk.follow(paths, modules)
    distributions, unnamed = _installed()
    files: dict[str, str] = {}
    for path in sorted(used | unnamed):
        content = digest(path)
        if content is None or os.stat(path).st_mtime > since:  # noqa: PTH116
            return None
        files[path] = content
    return Footprint(
        files=files,
        distributions=distributions,
        absent=tuple(sorted(walk.absent)),
        missing=tuple(sorted(name for name in walk.unknown if not is_importable(name))),
        mentions=mentions or {},
    )


class _Walk:
    """Resolves imports to local files by the modules that are loaded, which is what really happened."""

    def __init__(self) -> None:
        self.absent: set[str] = set()
        self.unknown: set[str] = set()
        self._by_file = {path: module for module in _loaded() if (path := _local_source(module)) is not None}

    def follow(self, paths: Iterable[str], modules: Iterable[str]) -> set[str]:
        """The files ``paths``, those of ``modules``, and everything local that they import."""
        starts = [os.path.abspath(path) for path in paths]  # noqa: PTH100
        starts += [path for name in modules for path in self._sources(name)]
        return closure(starts, self._imported)

    def _imported(self, path: str) -> Iterator[str]:
        """The local files that ``path`` imports; also notes what would be imported if it were there."""
        if not path.endswith(".py"):
            return
        module = self._by_file.get(path) or self._by_file.get(os.path.realpath(path))
        root = import_root(Path(path))
        if not (root / "__init__.py").exists():
            self.absent.add(str(root / "__init__.py"))
        imports = imports_of(Path(path))
        if imports.dynamic:
            yield from self._by_file
        package = getattr(module, "__package__", None) or ""
        for each in imports.found:
            for written in each.modules:
                name = _absolute_name(package, each.level, written) if each.level else written
                sources = list(self._sources(name))
                yield from sources
                if not sources:
                    self._note_absent(name.partition(".")[0], root)

    def _note_absent(self, top: str, root: Path) -> None:
        """Note the files that would be imported as ``top`` if they were there."""
        if not top or top in sys.stdlib_module_names:
            return
        folders = [root]
        if top not in sys.modules:
            self.unknown.add(top)
            folders += outer_roots(root)
        beside = [folder / name for folder in folders for name in (f"{top}.py", top)]
        self.absent.update(str(other) for other in beside if not os.path.lexists(other))

    def _sources(self, name: str) -> Iterator[str]:
        """Local files of a module and of the packages around it."""
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            module = sys.modules.get(".".join(parts[:length]))
            path = _local_source(module) if module is not None else None
            if path is not None:
                yield path


def _absolute_name(package: str, level: int, name: str) -> str:
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{name}" if base and name else base or name


def _loaded() -> list[ModuleType]:
    return [module for module in list(sys.modules.values()) if isinstance(module, ModuleType)]


def _local_source(module: object) -> str | None:
    """The file of a module of the user's; None for installed ones and for skiplint's."""
    source = getattr(module, "__file__", None)
    if not isinstance(source, str) or getattr(module, "__name__", "") == "__main__":
        return None
    return None if _is_foreign(source) else source


@cache
def _is_foreign(source: str) -> bool:
    return owner(source) != "user" or not Path(source).is_file()


def local_modules() -> set[str]:
    """Names of the user's modules that are loaded."""
    return {name for name, module in list(sys.modules.items()) if _local_source(module) is not None}


def _installed() -> tuple[dict[str, int], set[str]]:
    """The installed packages that are loaded, and the first files of those that no metadata name."""
    folders: set[str] = set()
    files: set[str] = set()
    for name, module in list(sys.modules.items()):
        source = getattr(module, "__file__", None)
        if "." in name or not isinstance(source, str) or owner(source) not in {"torch", "installed"}:
            continue
        named = _metadata_folders(name)
        folders.update(named)
        if not named and Path(source).is_file():
            files.add(source)
    return {folder: _record_size(folder) for folder in sorted(folders)}, files


@cache
def _metadata_folders(top: str) -> tuple[str, ...]:
    """Metadata folders of the distribution of a module: the one of its name, else those that list it.

    :func:`importlib.metadata.packages_distributions` would read every file list there is: 0.7 s.
    """
    try:
        found = [importlib.metadata.distribution(top)]
    except (importlib.metadata.PackageNotFoundError, ValueError):
        found = [item for names, item in _top_levels() if top in names]
    paths = (getattr(item, "_path", None) for item in found)
    return tuple(os.path.abspath(path) for path in paths if path is not None)  # noqa: PTH100


@cache
def _top_levels() -> tuple[tuple[frozenset[str], importlib.metadata.Distribution], ...]:
    return tuple(
        (frozenset((item.read_text("top_level.txt") or "").split()), item)
        for item in importlib.metadata.distributions()
    )


def _record_size(folder: str) -> int:
    """Bytes of the list of a package's files; 0 where it keeps none, -1 where the package is gone."""
    try:
        return (Path(folder) / "RECORD").stat().st_size
    except OSError:
        return 0 if Path(folder).exists() else -1
