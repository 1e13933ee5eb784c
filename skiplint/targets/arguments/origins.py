"""What a name in a file of a project means: the file that defines it, followed through imports."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from skiplint.targets.evaluation.imports import imported_names, is_foreign, project_file, submodule
from skiplint.targets.models.project import Project
from skiplint.targets.models.syntax import FileSyntax

_MOST_STEPS = 8


@dataclass(frozen=True)
class Definition:
    """Where something is defined."""

    path: Path
    name: str
    rest: tuple[str, ...] = ()
    """The attributes of it that were asked for."""


@dataclass(frozen=True)
class Unresolved:
    """Nothing that the project defines; ``foreign`` if an installed package has it."""

    foreign: bool = False


def dotted(node: ast.expr) -> tuple[str, ...]:
    """The parts of a dotted name; empty for other expressions."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return (*inner, node.attr) if inner else ()
    return ()


def definition(
    project: Project, file: FileSyntax, parts: tuple[str, ...], steps: int = 0, *, line: int = 0
) -> Definition | Unresolved:
    """What the dotted name ``parts`` means in ``file``, in a document on ``line`` after its imports there."""
    name, rest = parts[0], parts[1:]
    if steps > _MOST_STEPS:
        return Unresolved()
    if name in file.classes or name in file.functions:
        return Definition(file.path, name, rest)
    bound = bindings(file).get(name, [])
    for node, module, taken in sorted(bound, key=lambda each: _after(each[0], line)):
        level = node.level if isinstance(node, ast.ImportFrom) else 0
        path = project_file(project, file.path, module, level)
        if path is None:
            return Unresolved(foreign=level == 0 and is_foreign(project, file.path, module))
        if taken is not None:
            return _inside(project, path, (taken, *rest), steps)
        return _inside(project, path, rest, steps) if rest else Unresolved()
    if name in file.assignments:
        value = dotted(file.assignments[name][1])
        if value and value[0] != name:
            return definition(project, file, (*value, *rest), steps + 1)
        return Unresolved(foreign=True)
    for star, module, _ in bindings(file).get("*", ()):
        level = star.level if isinstance(star, ast.ImportFrom) else 0
        path = project_file(project, file.path, module, level)
        found = None if path is None else _inside(project, path, parts, steps)
        if isinstance(found, Definition):
            return found
    return Unresolved()


def _inside(project: Project, path: Path, parts: tuple[str, ...], steps: int) -> Definition | Unresolved:
    """What ``parts`` means as attributes of the module ``path``."""
    file = project.syntax(path) if path in project.files.of_kind("python") else None
    found = Unresolved() if file is None else definition(project, file, parts, steps + 1)
    below = submodule(path, parts[0])
    if isinstance(found, Unresolved) and below is not None and len(parts) > 1:
        return _inside(project, below, parts[1:], steps + 1)
    return found


def _after(statement: ast.stmt, line: int) -> float:
    """How far ``line`` is after a statement; the same for all statements after it."""
    return line - statement.lineno if statement.lineno <= line else math.inf


@lru_cache(maxsize=1024)
def bindings(file: FileSyntax) -> dict[str, list[tuple[ast.Import | ast.ImportFrom, str, str | None]]]:
    """What the import statements of a file bind: by name, the statement, the module and the name in it."""
    found: dict[str, list[tuple[ast.Import | ast.ImportFrom, str, str | None]]] = {}
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for bound, module, taken in imported_names(node):
                found.setdefault(bound, []).append((node, module, taken))
    return found
