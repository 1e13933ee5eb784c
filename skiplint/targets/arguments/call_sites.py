"""The calls of a class or factory in a project: in code, notebooks, documents and docstrings."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skiplint.targets.arguments.documents import docstring_code, document_code, notebook_code
from skiplint.targets.arguments.origins import Definition, bindings, definition, dotted
from skiplint.targets.models.project import Project
from skiplint.targets.models.syntax import FileSyntax, may_be_module
from skiplint.targets.records import Constructor

_MOST_CALLS = 200


@dataclass(frozen=True)
class CallSite:
    """A call of the constructor somewhere in the project."""

    file: FileSyntax = field(compare=False, repr=False)
    call: ast.Call = field(compare=False, repr=False)
    distance: int
    """How far from the class it is; 0 is next to it."""
    skip: int = 0
    """Positional arguments that are not for the constructor: that of ``partial(Net, ...)``."""
    method: str = ""
    """The class method that is called, such as ``from_config``; empty for the class itself."""

    def place(self, root: Path) -> str:
        """Where it is, relative to the folder ``root``."""
        path = self.file.path
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        return f"{shown.as_posix()}:{self.call.lineno}"


def call_sites(constructor: Constructor, project: Project) -> list[CallSite]:
    """The calls of ``constructor`` in its project, the nearest first."""
    name = constructor.name.rpartition(".")[2]
    finder = _Finder(constructor, project, name)
    found = [
        site for file, distance in _files(constructor, project, name) for site in finder.sites(file, distance)
    ]
    return sorted(found, key=lambda site: site.distance)[:_MOST_CALLS]


def _files(constructor: Constructor, project: Project, name: str) -> Iterator[tuple[FileSyntax, int]]:
    """The files in which the name stands, each with its distance from the constructor's file."""
    files = project.files
    for path in files.mentioning(name, "python"):
        syntax = project.syntax(path)
        if syntax is not None:
            yield syntax, distance(constructor.path, path)
    for path in files.mentioning(name, "document"):
        if (syntax := document_code(path, files.text(path))) is not None:
            yield syntax, distance(constructor.path, path)
    for path in files.mentioning(name, "notebook"):
        if (syntax := notebook_code(path, files.text(path))) is not None:
            yield syntax, distance(constructor.path, path) + 1
    own = project.syntax(constructor.path) if constructor.path in files.of_kind("python") else None
    if own is not None and (syntax := docstring_code(own)) is not None:
        yield syntax, 0


def distance(home: Path, path: Path) -> int:
    """How many folders lie between two files."""
    ups = 0
    for ups, folder in enumerate(home.parents):
        if path.is_relative_to(folder):
            return ups + len(path.relative_to(folder).parts) - 1
    return ups


class _Finder:
    """Finds the calls of one constructor in files."""

    def __init__(self, constructor: Constructor, project: Project, name: str) -> None:
        self._project, self._name = project, name
        self._wanted = set(_definitions(constructor, project))
        self._path = constructor.path
        self._unique: bool | None = None
        self._known_aliases: dict[Path, frozenset[str]] = {}

    def sites(self, file: FileSyntax, distance: int) -> Iterator[CallSite]:
        """The calls in one file."""
        inside = _inside_modules(file.tree)
        for node in ast.walk(file.tree):
            if not isinstance(node, ast.Call):
                continue
            further = distance + 4 * (node in inside)
            parts = dotted(node.func)
            if (
                parts
                and parts[-1] == "partial"
                and node.args
                and self._means(file, dotted(node.args[0]), node.lineno) == ()
            ):
                yield CallSite(file, node, further, skip=1)
            elif parts:
                rest = self._means(file, parts, node.lineno)
                if rest is not None and len(rest) <= 1:
                    yield CallSite(file, node, further, method="".join(rest))
        for owner in file.classes.values():
            if any(self._means(file, dotted(base), owner.lineno) == () for base in owner.bases):
                yield from (CallSite(file, call, distance + 1) for call in _parent_calls(owner))

    def _means(self, file: FileSyntax, parts: tuple[str, ...], line: int) -> tuple[str, ...] | None:
        """The attributes of the constructor that ``parts`` asks for, None if it means something else."""
        if not parts or (self._name not in parts[-2:] and parts[0] not in self._aliases(file)):
            return None
        is_document = file.path.suffix != ".py"
        found = definition(self._project, file, parts, line=line if is_document else 0)
        if isinstance(found, Definition):
            return found.rest if (found.path, found.name) in self._wanted else None
        if found.foreign or not self._only_one():
            return None
        # A document, or a file that imports the project under a name that it has when it is installed.
        is_code = not is_document and file.path != self._path
        if is_code and parts[0] not in file.imports:
            return None
        return parts[parts.index(self._name) + 1 :] if self._name in parts else None

    def _aliases(self, file: FileSyntax) -> frozenset[str]:
        """Other names that the file gives to something of the constructor's name."""
        if file.path not in self._known_aliases:
            assigned = {name for name, (_, value) in file.assignments.items() if self._name in dotted(value)}
            imported = {
                bound
                for bound, found in bindings(file).items()
                if any(each[2] == self._name for each in found)
            }
            self._known_aliases[file.path] = frozenset(assigned | imported)
        return self._known_aliases[file.path]

    def _only_one(self) -> bool:
        if self._unique is None:
            defining = [
                f for f in self._project.mentioning(self._name) if self._name in {**f.classes, **f.functions}
            ]
            self._unique = len(defining) == 1
        return self._unique


def _definitions(constructor: Constructor, project: Project) -> Iterator[tuple[Path, str]]:
    """The places where the constructor is defined: in its file, and where that imports it from."""
    name = constructor.name
    yield constructor.path, name
    files = project.files.of_kind("python")
    own = project.syntax(constructor.path) if constructor.path in files else None
    if own is not None:
        found = definition(project, own, tuple(name.split(".")))
        if isinstance(found, Definition) and not found.rest:
            yield found.path, found.name
    try:
        source = inspect.getsourcefile(inspect.unwrap(constructor.value))
    except TypeError:
        return
    if source is not None:
        yield Path(source).resolve(), str(getattr(constructor.value, "__name__", name))


def _inside_modules(tree: ast.AST) -> set[ast.AST]:
    """The calls inside of module classes: there the model is a part of another, of the size that wants."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.bases and may_be_module(node)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call)
    }


def _parent_calls(owner: ast.ClassDef) -> Iterator[ast.Call]:
    """``super().__init__(...)`` in the constructor of a class."""
    for method in owner.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            for node in ast.walk(method):
                starts = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "__init__"
                if starts and ast.unparse(node.func).startswith("super()"):  # type: ignore[attr-defined]
                    yield node  # type: ignore[misc]
