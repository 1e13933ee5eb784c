"""What running the statements of a module would do, told from its syntax tree."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import cached_property

from skiplint.sources.imports import imports_in
from skiplint.targets.environment.harmless import (
    DOUBTFUL,
    EFFECT_METHODS,
    EFFECTS,
    HARMLESS_METHODS,
    HARMLESS_MODULES,
    HARMLESS_PREFIXES,
)
from skiplint.targets.models.syntax import is_main_guard

Function = ast.FunctionDef | ast.AsyncFunctionDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)


class Effect(IntEnum):
    """What a piece of code does outside of the values that it makes; the larger, the worse."""

    NONE = 0
    UNKNOWN = 1
    """It calls what cannot be told."""
    CERTAIN = 2
    """It does the work of a program: it prints, trains, writes, downloads, serves or ends."""


class Effects:
    """The effects of the statements of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._known: dict[str, Effect] = {}

    def of(self, node: ast.AST) -> Effect:
        """The effect of a statement or an expression; a definition itself has none."""
        return max((self._of_one(inner) for inner in _executed(node)), default=Effect.NONE)

    def _of_one(self, node: ast.AST) -> Effect:
        if isinstance(node, ast.While | ast.Await | ast.AsyncFor | ast.AsyncWith):
            return Effect.CERTAIN
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            return Effect.CERTAIN if dotted(raised) in ("SystemExit", "KeyboardInterrupt") else Effect.NONE
        return self._of_call(node) if isinstance(node, ast.Call) else Effect.NONE

    def _of_call(self, call: ast.Call) -> Effect:
        name = dotted(call.func)
        root, _, rest = name.partition(".")
        last = name.rpartition(".")[2] or getattr(call.func, "attr", "")
        if root in self._imported:
            return self._of_imported(f"{self._imported[root]}.{rest}".rstrip("."), last)
        if name in self._own:
            return self._of_own(name)
        if name and not rest and hasattr(builtins, name) and name not in self._bound:
            return self._of_builtin(name, call)
        if root in ("self", "cls") and last in self._methods:
            return self._of_own(f"self.{last}")
        if isinstance(call.func, ast.Attribute):
            effect = _of_method(last)
            inherited = root in ("self", "cls") or last == "__init__"
            return Effect.NONE if inherited and effect is Effect.UNKNOWN else effect
        return Effect.NONE if last.startswith(HARMLESS_PREFIXES) else Effect.UNKNOWN

    def _of_imported(self, full: str, last: str) -> Effect:
        if _is_listed(full, EFFECTS):
            return Effect.CERTAIN
        if _is_listed(full, DOUBTFUL):
            return Effect.UNKNOWN
        if full.partition(".")[0] in HARMLESS_MODULES:
            return Effect.CERTAIN if last in ("mkdir", "unlink", "rmdir", "touch") else Effect.NONE
        return _of_method(last) if "." in full else Effect.UNKNOWN

    def _of_builtin(self, name: str, call: ast.Call) -> Effect:
        full = f"builtins.{name}"
        if name == "open" and _opens_for_writing(call):
            return Effect.CERTAIN
        if full in EFFECTS:
            return Effect.CERTAIN
        return Effect.UNKNOWN if full in DOUBTFUL else Effect.NONE

    def _of_own(self, name: str) -> Effect:
        """Of a call of a function or class of the module: what its body does."""
        if name not in self._known:
            self._known[name] = Effect.NONE  # for a function that calls itself
            node = self._methods[name.removeprefix("self.")] if "." in name else self._own[name]
            bodies = [node] if isinstance(node, Function) else list(_constructors(node))
            self._known[name] = max(
                (self.of(statement) for body in bodies for statement in body.body), default=Effect.NONE
            )
        return self._known[name]

    @cached_property
    def _own(self) -> dict[str, ast.ClassDef | Function]:
        return {node.name: node for node in _executed(self._tree) if isinstance(node, DEFINITIONS)}

    @cached_property
    def _methods(self) -> dict[str, Function]:
        classes = [node for node in self._own.values() if isinstance(node, ast.ClassDef)]
        return {item.name: item for node in classes for item in node.body if isinstance(item, Function)}

    @cached_property
    def _imported(self) -> dict[str, str]:
        """Full names of what the module imports, by the names that it gives them."""
        found: dict[str, str] = {}
        for each in imports_in(self._tree):
            if each.name is not None:
                found[each.bound] = "." * each.level + f"{each.module}.{each.name}".lstrip(".")
            else:
                found[each.bound] = each.bound if each.bound == each.top else each.module
        return found

    @cached_property
    def _bound(self) -> frozenset[str]:
        return frozenset(bound_names([self._tree]))


def _is_listed(full: str, names: frozenset[str]) -> bool:
    parts = full.split(".")
    return any(".".join(parts[:length]) in names for length in range(1, len(parts) + 1))


def _of_method(name: str) -> Effect:
    if name in EFFECT_METHODS:
        return Effect.CERTAIN
    if name in HARMLESS_METHODS or name.startswith(HARMLESS_PREFIXES):
        return Effect.NONE
    return Effect.UNKNOWN


def _opens_for_writing(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+") for mode in modes)


def _constructors(node: ast.ClassDef) -> Iterator[Function]:
    names = ("__init__", "__new__", "__post_init__")
    return (item for item in node.body if isinstance(item, Function) and item.name in names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """``node`` and all in it that runs with it: not the bodies of functions, classes and lambdas."""
    stack = [node]
    while stack:
        inner = stack.pop()
        yield inner
        if isinstance(inner, Function):
            stack += [*inner.decorator_list, *inner.args.defaults, *filter(None, inner.args.kw_defaults)]
        elif isinstance(inner, ast.ClassDef):
            stack += [*inner.decorator_list, *inner.bases, *(keyword.value for keyword in inner.keywords)]
        elif isinstance(inner, ast.If) and is_main_guard(inner):
            stack += inner.orelse
        elif not isinstance(inner, ast.Lambda):
            stack += ast.iter_child_nodes(inner)


def bound_names(nodes: Iterable[ast.AST]) -> list[str]:
    """The names that running the nodes gives values to, in order."""
    found: dict[str, None] = {}
    for node in nodes:
        for inner in _executed(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                found[inner.id] = None
            elif isinstance(inner, DEFINITIONS):
                found[inner.name] = None
            elif isinstance(inner, IMPORTS):
                found.update(
                    dict.fromkeys(alias.asname or alias.name.partition(".")[0] for alias in inner.names)
                )
    return [name for name in found if name != "*"]


def dotted(node: ast.expr) -> str:
    """``a.b.c`` for the expression that reads so; empty for any other."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""
