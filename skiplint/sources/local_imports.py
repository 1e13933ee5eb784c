"""Which files of the user's own a file imports, read from its source without running it.

Imports that are made from strings at run time are not seen. Files of installed packages are not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skiplint.sources.frames import is_packaged
from skiplint.sources.import_roots import import_root, outer_roots


@dataclass
class ImportScan:
    """Looks files up, each once."""

    folder: Path = field(default_factory=Path.cwd)
    """The working directory, which may hold packages; so may ``src`` in it."""
    _direct: dict[Path, frozenset[Path]] = field(default_factory=dict)

    def reachable(self, starts: Iterable[Path]) -> frozenset[Path]:
        """The files ``starts`` and everything local that they import, directly or not; paths are real."""
        pending = [path.resolve() for path in starts]
        found: set[Path] = set()
        while pending:
            path = pending.pop()
            if path not in found:
                found.add(path)
                pending.extend(self.direct(path))
        return frozenset(found)

    def direct(self, path: Path) -> frozenset[Path]:
        """The local files that importing ``path`` runs by itself: its packages and what it imports."""
        path = path.resolve()
        if path not in self._direct:
            self._direct[path] = frozenset(self._scan(path)) - {path}
        return self._direct[path]

    def module_file(self, name: str, start: Path | None = None) -> Path | None:
        """The local file of the module ``name`` as seen from the file ``start``; None if there is none."""
        files = list(self._module_files(name, self._roots(start)))
        return files[-1] if files else None

    def _scan(self, path: Path) -> Iterator[Path]:
        yield from _package_files(path)
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return  # Linting it will say what is wrong with it.
        roots = self._roots(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._module_files(alias.name, roots)
            elif isinstance(node, ast.ImportFrom):
                yield from self._from(path, node, roots)

    def _from(self, path: Path, node: ast.ImportFrom, roots: tuple[Path, ...]) -> Iterator[Path]:
        module = node.module or ""
        if node.level:
            # One dot is the folder of the file, each further one its parent.
            roots = (path.parents[min(node.level, len(path.parents)) - 1],)
        if module:
            yield from self._module_files(module, roots)
        elif node.level:
            yield from _existing(roots[0] / "__init__.py")
        for alias in node.names:
            name = f"{module}.{alias.name}" if module else alias.name
            yield from self._module_files(name, roots)

    def _roots(self, path: Path | None) -> tuple[Path, ...]:
        """Folders that absolute imports are looked for in."""
        roots = [self.folder, self.folder / "src"]
        if path is not None:
            top = import_root(path)
            roots = [path.parent, top, *roots, *outer_roots(top)]
        return tuple(dict.fromkeys(root.resolve() for root in roots))

    def _module_files(self, name: str, roots: tuple[Path, ...]) -> Iterator[Path]:
        """The files that importing ``name`` runs: its packages, then itself, from the first root with it."""
        parts = name.split(".")
        for root in roots:
            folder, found = root, []
            for part in parts:
                found += [*_existing(folder / part / "__init__.py"), *_existing(folder / f"{part}.py")]
                folder /= part
            if found:
                yield from found
                return


def _package_files(path: Path) -> Iterator[Path]:
    """The ``__init__`` files of the packages that a file is in."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        yield folder / "__init__.py"
        folder = folder.parent


def _existing(path: Path) -> Iterator[Path]:
    if path.is_file() and not is_packaged(str(path)):
        yield path.resolve()
