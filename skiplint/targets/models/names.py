"""What a name in a file of a project stands for, through imports, re-exports, stars and aliases."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from pathlib import Path

from skiplint.sources.imports import Import
from skiplint.targets.models.mentions import FunctionNode, dotted
from skiplint.targets.models.syntax import FileSyntax
from skiplint.targets.models.syntaxes import Syntaxes


@dataclass(frozen=True, slots=True)
class Definition:
    """A class, a function or a value that a file of the project defines at module level."""

    path: Path
    name: str


Meaning = Definition | str | None
"""A definition of the project; the dotted name of something from elsewhere; None where it is not known."""


class Names:
    """Resolves names in the files of one project."""

    def __init__(self, syntaxes: Syntaxes) -> None:
        """Resolve in the files of ``syntaxes``."""
        self.syntaxes = syntaxes
        self._known: dict[tuple[Path, str], Meaning] = {}
        self._roots: dict[Path, tuple[Path, ...]] = {}

    def meaning(self, path: Path, name: str) -> Meaning:
        """What the dotted ``name`` stands for in the file ``path``."""
        key = (path, name)
        if key not in self._known:
            self._known[key] = None  # Imports that go round in a circle end here.
            self._known[key] = self._meaning(path, name)
        return self._known[key]

    def node(self, definition: Definition) -> ast.stmt | ast.expr | None:
        """The statement of a class or function, or the value of an assignment."""
        syntax = self.syntaxes.of(definition.path)
        if syntax is None:
            return None
        name = definition.name
        found = syntax.classes.get(name) or syntax.functions.get(name)
        return found or syntax.assignments.get(name, (0, None))[1]

    def class_node(self, definition: Definition) -> ast.ClassDef | None:
        """The statement of a class; None for any other definition."""
        node = self.node(definition)
        return node if isinstance(node, ast.ClassDef) else None

    def function_node(self, definition: Definition) -> FunctionNode | None:
        """The statement of a function; None for any other definition."""
        node = self.node(definition)
        return node if isinstance(node, FunctionNode) else None

    def module_file(self, path: Path, level: int, module: str) -> Path | None:
        """The file of the module that an import in the file ``path`` names; None if the project has none."""
        parts = module.split(".") if module else []
        bases = (path.parents[min(level, len(path.parents)) - 1],) if level else self._roots_of(path)
        for base in bases:
            place = base.joinpath(*parts)
            for found in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                if found in self.syntaxes.paths:
                    return found
        return None

    def package(self, path: Path) -> Path:
        """The folder that holds the outermost package of ``path``, or the file itself if it is in none."""
        folder = path.parent
        while folder / "__init__.py" in self.syntaxes.paths:
            folder = folder.parent
        return folder

    # -- one file ---------------------------------------------------------------------------------

    def _meaning(self, path: Path, name: str) -> Meaning:
        syntax = self.syntaxes.of(path)
        if syntax is None:
            return None
        head, _, rest = name.partition(".")
        if head in syntax.classes or head in syntax.functions:
            return Definition(path, head)
        if head in syntax.assignments:
            return self._assigned(syntax, path, head, rest)
        for bound in syntax.bound_imports.get(head, ()):
            found = self._imported(path, bound, rest.split(".") if rest else [])
            if found is not None:
                return found
        return None if hasattr(builtins, head) else self._starred(syntax, path, name)

    def _assigned(self, syntax: FileSyntax, path: Path, head: str, rest: str) -> Meaning:
        alias = dotted(syntax.assignments[head][1])
        if alias and alias.partition(".")[0] != head:
            found = self.meaning(path, f"{alias}.{rest}" if rest else alias)
            if found is not None:
                return found
        return Definition(path, head)

    def _starred(self, syntax: FileSyntax, path: Path, name: str) -> Meaning:
        """What a star import gives: of the project where one has it, else of another package."""
        outside = None
        for star in syntax.star_imports:
            found = self._in_module(path, star, star.module.split("."), name.split("."))
            if isinstance(found, Definition):
                return found
            outside = outside or found
        return outside

    def _imported(self, path: Path, bound: Import, rest: list[str]) -> Meaning:
        if bound.name is not None:
            module = bound.module.split(".") if bound.module else []
            return self._in_module(path, bound, module, [bound.name, *rest])
        module = bound.module.split(".")
        if bound.bound == module[0]:  # ``import a.b``, used as ``a.b.Net``: only ``a`` is bound
            return self._in_module(path, bound, [], [module[0], *rest])
        return self._in_module(path, bound, module, rest)

    # -- modules ----------------------------------------------------------------------------------

    def _in_module(self, path: Path, bound: Import, module: list[str], rest: list[str]) -> Meaning:
        """What ``rest`` stands for in the module that an import of the file ``path`` names."""
        if bound.level:
            base = path.parents[min(bound.level, len(path.parents)) - 1]
            return self._below(base, [*module, *rest], len(module))
        for root in self._roots_of(path):
            if self._is_module(root, (module or rest)[0]):
                return self._below(root, [*module, *rest], len(module))
        return ".".join([*module, *rest])

    def _is_module(self, folder: Path, part: str) -> bool:
        return folder / f"{part}.py" in self.syntaxes.paths or folder / part in self.syntaxes.folders

    def _below(self, folder: Path, parts: list[str], sure: int) -> Meaning:
        """What ``parts`` stand for from ``folder`` on; the first ``sure`` of them are modules."""
        for index, part in enumerate(parts):
            package = folder / "__init__.py"
            if index >= sure and package in self.syntaxes.paths:
                found = self.meaning(package, ".".join(parts[index:]))
                if found is not None:
                    return found
            if folder / part in self.syntaxes.folders:
                folder /= part
            elif folder / f"{part}.py" in self.syntaxes.paths:
                inner = ".".join(parts[index + 1 :])
                is_module = index + 1 >= sure
                return self.meaning(folder / f"{part}.py", inner) if inner and is_module else None
            else:
                return None
        return None

    def _roots_of(self, path: Path) -> tuple[Path, ...]:
        """The folders in which absolute imports of ``path`` may start, the nearest first."""
        if path not in self._roots:
            top = self.syntaxes.files.root
            start = self.package(path)
            line = [start, *start.parents]
            around = line[: line.index(top) + 1] if top in line else [start]
            # Scripts put the folder of a package on the path too, but what is installed comes first.
            own = [] if path.parent / "__init__.py" in self.syntaxes.paths else [path.parent]
            roots = [
                *own,
                *(place for folder in around for place in (folder, folder / "src")),
                top,
                path.parent,
            ]
            self._roots[path] = tuple(dict.fromkeys(roots))
        return self._roots[path]
