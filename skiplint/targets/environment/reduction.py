"""The parts of a module that are run: its imports, its definitions, and what has no effect.

A file is a *program* if some statement of it does the work of one. There, an assignment that calls what
cannot be told is run only where a class or a factory needs its value. A statement whose value is dropped runs
nowhere unless it is known to be harmless. All other statements of other files run as they stand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from skiplint.targets.environment.effects import DEFINITIONS, IMPORTS, Effect, Effects, bound_names, dotted
from skiplint.targets.models.syntax import is_main_guard, may_be_module, names_used, returned_names

Kind = Literal["run", "try", "import", "branch", "leave out"]


@dataclass(frozen=True)
class Part:
    """Statements of a module that are treated alike.

    ``run``: as they stand. ``try``: where that raises, the names have no value. ``import``: where that fails,
    the names stand for what is missing. ``branch``: an ``if`` whose body is a :class:`Reduction` of its own.
    ``leave out``: not run; the names have no value.
    """

    kind: Kind
    nodes: tuple[ast.stmt, ...]


class Reduction:
    """What is run of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._effects = Effects(tree)

    @cached_property
    def is_program(self) -> bool:
        """Whether the module does the work of a program while it is imported."""
        return any(self._is_certain(node) for node in self.tree.body)

    def _is_certain(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if dotted(node.value.func) == "print":  # which libraries do too
                return any(map(self._is_certain, ast.iter_child_nodes(node.value)))
        elif isinstance(node, ast.If) and is_main_guard(node):
            return False
        elif isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
            return any(map(self._is_certain, ast.iter_child_nodes(node)))
        return self._effects.of(node) is Effect.CERTAIN

    @cached_property
    def future(self) -> tuple[ast.stmt, ...]:
        """The ``from __future__`` imports."""
        return tuple(n for n in self.tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__")

    def parts(self, body: Iterable[ast.stmt] | None = None) -> list[Part]:
        """The statements of ``body`` in order (None: of the module), those that run alike together."""
        found: list[Part] = []
        for node in self.tree.body if body is None else body:
            kind = self._kind(node)
            if kind == "run" and found and found[-1].kind == "run":
                found[-1] = Part("run", (*found[-1].nodes, node))
            else:
                found.append(Part(kind, (self._pruned(node) if kind in ("run", "try") else node,)))
        return found

    def _kind(self, node: ast.stmt) -> Kind:
        if isinstance(node, IMPORTS):
            return "run" if node in self.future else "import"
        if isinstance(node, DEFINITIONS):
            return "run"
        if isinstance(node, ast.If) and not is_main_guard(node):
            return "branch" if self._effects.of(node.test) is Effect.NONE else "leave out"
        if isinstance(node, ast.Try):
            return "try" if self.is_program else "run"
        effect = self._effects.of(node)
        if isinstance(node, ast.Expr | ast.Assert | ast.Raise) and self._is_dropped(node, effect):
            return "leave out"
        if effect is Effect.CERTAIN:
            return "leave out"
        if effect is Effect.NONE:
            return "try" if self.is_program else "run"
        needed = not self.is_program or not self._needed.isdisjoint(bound_names([node]))
        return "try" if needed else "leave out"

    def _is_dropped(self, node: ast.stmt, effect: Effect) -> bool:
        """Whether a statement that gives no name a value is left out."""
        if isinstance(node, ast.Expr):
            return effect is not Effect.NONE
        return self.is_program

    def _pruned(self, node: ast.stmt) -> ast.stmt:
        """A ``try`` statement without the effects in it."""
        pruned = _Pruning(self).visit(node) if isinstance(node, ast.Try) else node
        assert isinstance(pruned, ast.stmt)
        return pruned

    @cached_property
    def _needed(self) -> frozenset[str]:
        """Names that the models of the module need: their classes and factories, and what those use."""
        definitions = {n.name: n for n in ast.walk(self.tree) if isinstance(n, DEFINITIONS)}
        values: dict[str, set[str]] = {}
        for node in _statements(self.tree.body):
            for name in bound_names([node]):
                values.setdefault(name, set()).update(names_used([node]))
        starts: list[str] = []
        for node in definitions.values():
            starts += names_used(node.decorator_list)
            if isinstance(node, ast.ClassDef):
                starts += names_used(node.bases)
                starts += names_used(node.body) if node.bases and may_be_module(node) else ()
            elif returned_names(node) & {n for n, d in definitions.items() if isinstance(d, ast.ClassDef)}:
                starts += names_used(node.body)
        found: set[str] = set()
        while starts:
            name = starts.pop()
            if name not in found:
                found.add(name)
                starts += names_used(definitions[name].body) if name in definitions else values.get(name, ())
        return frozenset(found)


class _Pruning(ast.NodeTransformer):
    def __init__(self, reduction: Reduction) -> None:
        self._reduction = reduction

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, DEFINITIONS) or not isinstance(node, ast.stmt | ast.ExceptHandler):
            return node
        if isinstance(node, ast.Try | ast.If | ast.ExceptHandler):
            return self.generic_visit(node)
        if self._reduction._kind(node) == "leave out":
            return ast.copy_location(ast.Pass(), node)
        return node


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Simple statements, loops and ``with`` blocks, those inside of ``if`` and ``try`` included."""
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)
        elif not isinstance(node, DEFINITIONS):
            yield node
