"""What a Python file imports, read from its source without running it, and which of the user's files that is.

Imports that are made from strings at run time are not seen, only that there may be some.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from skiplint.sources.import_roots import import_root, outer_roots
from skiplint.sources.owners import owner

_DYNAMIC = frozenset({"importlib", "__import__", "runpy", "exec", "pkgutil"})
"""Names whose use means that import statements do not tell everything."""
_Node = TypeVar("_Node", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Import:
    """One name in an import statement: ``import module``, or ``from module import name``."""

    module: str
    """Dotted; empty in ``from . import name``."""
    name: str | None
    """What is taken from the module; None for ``import module``."""
    level: int
    """Leading dots: 0 for an absolute import, 1 for the package that the file is in."""
    bound: str
    """The name that the statement gives it in the file."""

    @property
    def top(self) -> str:
        """The outermost package of an absolute import; empty for a relative one."""
        return "" if self.level else self.module.partition(".")[0]

    @property
    def modules(self) -> tuple[str, ...]:
        """Dotted names of the modules it may import: what is taken from a package may be a module of it."""
        if self.name is None:
            return (self.module,)
        return (self.module, f"{self.module}.{self.name}") if self.module else ("", self.name)


@dataclass(frozen=True)
class Imports:
    """The imports of one file."""

    found: tuple[Import, ...] = ()
    dynamic: bool = False
    """The file may import other things too, by means that are no import statements."""


def imports_in(tree: ast.AST) -> Iterator[Import]:
    """Everything that the import statements in ``tree`` name, those inside of functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, 0, alias.asname or alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(node.module or "", alias.name, node.level, alias.asname or alias.name)


def imports_of(path: Path) -> Imports:
    """The imports of the file ``path``; none that are known, but dynamic ones, if it is no valid Python."""
    try:
        return _parsed(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return Imports(dynamic=True)  # Linting it says what is wrong with it.


@lru_cache(maxsize=4096)
def _parsed(source: bytes) -> Imports:
    tree = ast.parse(source)
    found = tuple(dict.fromkeys(imports_in(tree)))
    names = {each.top for each in found} | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return Imports(found, dynamic=not _DYNAMIC.isdisjoint(names))


def is_importable(module: str) -> bool:
    """Whether there is a package that ``module`` could come from; only its outermost part is looked for.

    Nothing is imported.
    """
    top = module.partition(".")[0]
    try:
        return top in sys.modules or (top.isidentifier() and importlib.util.find_spec(top) is not None)
    except (ImportError, ValueError):
        return False


def closure(starts: Iterable[_Node], direct: Callable[[_Node], Iterable[_Node]]) -> set[_Node]:
    """``starts`` and all that can be reached from them, where ``direct`` says what one leads to itself."""
    pending = list(starts)
    found: set[_Node] = set()
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending.extend(direct(path))
    return found


@dataclass
class ImportScan:
    """Resolves imports to local files by looking where Python would; each file is read once."""

    folder: Path = field(default_factory=Path.cwd)
    """The working directory, which may hold packages; so may ``src`` in it."""
    _direct: dict[Path, frozenset[Path]] = field(default_factory=dict)

    def reachable(self, starts: Iterable[Path]) -> frozenset[Path]:
        """The files ``starts`` and everything local that they import, directly or not; paths are real."""
        return frozenset(closure([path.resolve() for path in starts], self.direct))

    def direct(self, path: Path) -> frozenset[Path]:
        """The local files that importing ``path`` runs by itself: its packages and what it imports."""
        path = path.resolve()
        if path not in self._direct:
            self._direct[path] = frozenset(self._scan(path)) - {path}
        return self._direct[path]

    def module_file(self, name: str, start: Path | None = None) -> Path | None:
        """The local file of the module ``name`` as seen from the file ``start``; None if there is none."""
        files = list(_module_files(name, self._roots(start)))
        return files[-1] if files else None

    def _scan(self, path: Path) -> Iterator[Path]:
        yield from _package_files(path)
        roots = self._roots(path)
        for each in imports_of(path).found:
            # One dot is the folder of the file, each further one its parent.
            within = (path.parents[min(each.level, len(path.parents)) - 1],) if each.level else roots
            for name in each.modules:
                yield from _module_files(name, within)

    def _roots(self, path: Path | None) -> tuple[Path, ...]:
        """The folders in which absolute imports are found."""
        roots = [self.folder, self.folder / "src"]
        if path is not None:
            top = import_root(path)
            roots = [path.parent, top, *roots, *outer_roots(top)]
        return tuple(dict.fromkeys(root.resolve() for root in roots))


def _module_files(name: str, roots: tuple[Path, ...]) -> Iterator[Path]:
    """The files that importing ``name`` runs: its packages, then itself, from the first root with it.

    An empty name is the package of a relative import.
    """
    if not name:
        yield from _existing(roots[0] / "__init__.py")
        return
    for root in roots:
        folder, found = root, []
        for part in name.split("."):
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
    if path.is_file() and owner(str(path)) == "user":
        yield path.resolve()
