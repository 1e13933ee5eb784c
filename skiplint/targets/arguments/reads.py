"""Which attributes or keys a constructor reads of an argument that holds settings, from its syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from skiplint.targets.arguments.origins import Definition, definition, dotted
from skiplint.targets.evaluation.frames import parameters_of
from skiplint.targets.models.project import Project
from skiplint.targets.models.syntax import FileSyntax

Aliases = Mapping[str, tuple[str, ...]]
"""Names of a function that hold settings or a part of them, each with the names down to that part."""
Reads = dict[str, Any]
"""Names that are read, each with the names that are read of its value."""
_MOST_STEPS = 6
_OF_CONTAINERS = frozenset(
    "get items keys values update pop copy setdefault to_dict clone freeze defrost append".split()
)


def settings_read(project: Project, file: FileSyntax, name: str, parameter: str) -> Reads | None:
    """What the class or function ``name`` of ``file`` reads of its parameter.

    Returns:
        The attributes and keys that it reads whatever their values are, or all where there is none of these;
        None where the parameter is called, as a module
        or a class is, or used as something else than settings.
    """
    reader = _Reader(project)
    reader.definition(file, name, parameter, (), 0)
    return None if reader.is_called else reader.found or reader.maybe


def covers(value: Any, reads: Mapping[str, Any]) -> bool:
    """Whether a mapping or an object has all the names of ``reads``, nested ones too."""
    for name, inside in reads.items():
        if isinstance(value, Mapping):
            if name not in value:
                return False
            item = value[name]
        else:
            try:
                item = getattr(value, name)
            except Exception:
                return False
        if inside and not covers(item, inside):
            return False
    return True


class _Reader:
    def __init__(self, project: Project) -> None:
        self._project = project
        self.found: Reads = {}
        self.maybe: Reads = {}
        """What is read under conditions."""
        self.is_called = False
        self._seen: set[tuple[Any, ...]] = set()

    def definition(
        self, file: FileSyntax, name: str, parameter: str | int, under: tuple[str, ...], steps: int
    ) -> None:
        """Read what a class or function does with a parameter, by name or by place."""
        key = (file.path, name, parameter, under)
        if key in self._seen or steps > _MOST_STEPS:
            return
        self._seen.add(key)
        owner = file.classes.get(name)
        node = file.functions.get(name) if owner is None else _method(owner, "__init__")
        if node is None:
            for base in owner.bases if owner is not None else ():
                self._elsewhere(file, dotted(base), parameter, under, steps)
            return
        names = list(parameters_of(node))
        if owner is not None:
            names = names[1:]
        if isinstance(parameter, int):
            parameter = names[parameter] if parameter < len(names) else ""
        if parameter in names:
            self._scope(file, owner, node, {parameter: under}, steps)

    def _elsewhere(
        self,
        file: FileSyntax,
        parts: tuple[str, ...],
        parameter: str | int,
        under: tuple[str, ...],
        steps: int,
    ) -> None:
        found = definition(self._project, file, parts) if parts else None
        if isinstance(found, Definition) and not found.rest:
            target = self._project.syntax(found.path)
            if target is not None:
                self.definition(target, found.name, parameter, under, steps + 1)

    def _scope(
        self,
        file: FileSyntax,
        owner: ast.ClassDef | None,
        node: Any,
        aliases: dict[str, tuple[str, ...]],
        steps: int,
    ) -> None:
        """Read a function; then the methods of its class, in which ``self.config`` is an alias."""
        kept = dict(self._aliases(node, aliases))
        self._uses(file, owner, node, {**aliases, **kept}, steps)
        of_self = {name: under for name, under in kept.items() if name.startswith("self.")}
        if owner is not None and of_self:
            for method in owner.body:
                if isinstance(method, ast.FunctionDef) and method is not node:
                    more = dict(self._aliases(method, of_self))
                    self._uses(file, owner, method, {**of_self, **more}, steps)

    def _aliases(self, node: ast.AST, aliases: Aliases) -> Iterator[tuple[str, tuple[str, ...]]]:
        known = dict(aliases)
        for inner in ast.walk(node):
            for target, value in _assigned(inner):
                under = self._place(value, known)
                name = ".".join(dotted(target))
                if under is not None and name:
                    known[name] = under
                    yield name, under

    def _place(self, node: ast.expr, aliases: Aliases) -> tuple[str, ...] | None:
        """The names from the settings down to ``node``; None where it is nothing of them."""
        whole = ".".join(dotted(node))
        if whole in aliases:
            return aliases[whole]
        if isinstance(node, ast.Attribute):
            inner = self._place(node.value, aliases)
            return None if inner is None else (*inner, node.attr)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            inner = self._place(node.value, aliases)
            return (
                None if inner is None or not isinstance(node.slice.value, str) else (*inner, node.slice.value)
            )
        return None

    def _uses(
        self, file: FileSyntax, owner: ast.ClassDef | None, node: ast.AST, aliases: Aliases, steps: int
    ) -> None:
        methods = {id(inner.func) for inner in ast.walk(node) if isinstance(inner, ast.Call)}
        conditional = _conditional(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                if self._place(inner.func, aliases) == ():
                    self.is_called = True
                if inner not in conditional:
                    self._passed(file, owner, inner, aliases, steps)
            if not isinstance(inner, ast.Attribute | ast.Subscript) or not isinstance(inner.ctx, ast.Load):
                continue
            if ".".join(dotted(inner)) in aliases:
                continue
            place = self._place(inner, aliases)
            if place:
                if id(inner) in methods and (place[-1] in _OF_CONTAINERS or len(place) == 1):
                    place = place[:-1]
                self._note(place, self.maybe if inner in conditional else self.found)

    def _note(self, place: tuple[str, ...], level: Reads) -> None:
        for name in place:
            level = level.setdefault(name, {})

    def _passed(
        self, file: FileSyntax, owner: ast.ClassDef | None, call: ast.Call, aliases: Aliases, steps: int
    ) -> None:
        """Go on where settings, or a part of them, are passed on."""
        parts = dotted(call.func)
        passed: list[tuple[str | int, ast.expr]] = list(enumerate(call.args))
        passed += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
        for parameter, value in passed:
            under = self._place(value, aliases)
            if under is None:
                continue
            if parts:
                self._elsewhere(file, parts, parameter, under, steps)
            elif ast.unparse(call.func) == "super().__init__" and owner is not None:
                for base in owner.bases:
                    self._elsewhere(file, dotted(base), parameter, under, steps)


def _conditional(node: ast.AST) -> set[ast.AST]:
    """What stands in the branches of conditions."""
    found: set[ast.AST] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.If | ast.IfExp):
            branches = (
                [inner.body, inner.orelse] if isinstance(inner, ast.IfExp) else [*inner.body, *inner.orelse]
            )
            found |= {below for branch in branches for below in ast.walk(branch)}
    return found


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The targets of an assignment with their values, those of ``a, b = x, y`` one by one."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            both = (target, node.value)
            if all(isinstance(side, ast.Tuple) for side in both) and len(target.elts) == len(node.value.elts):  # type: ignore[attr-defined]
                yield from zip(target.elts, node.value.elts, strict=True)  # type: ignore[attr-defined]
            else:
                yield both


def _method(owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == name), None)
