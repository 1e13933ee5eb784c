"""Which statements of a block give some of its names their values: a backward slice, from syntax alone."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property

from skiplint.targets.models.syntax import is_main_guard

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_CHANGING_VERBS = ("add_", "set_", "setattr", "update", "merge", "register", "override", "fill_", "extend")
"""How functions that change an argument of theirs are called."""


@dataclass(frozen=True)
class Step:
    """One statement that is not compound, and what it does to names."""

    node: ast.stmt
    binds: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    """Names whose objects it changes in place."""
    uses: frozenset[str] = frozenset()
    """Names that it reads, and those that decide whether it runs."""
    views: frozenset[str] = frozenset()
    """Names of the objects that what it binds may be a part of."""


@dataclass(frozen=True)
class Body:
    """The statements of a module, a function or a class in order."""

    statements: tuple[ast.stmt, ...]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All statements in them but those inside of definitions."""
        return tuple(_steps(self.statements, frozenset()))

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the statements bind."""
        return frozenset(name for step in self.steps for name in step.binds)

    @cached_property
    def changed(self) -> frozenset[str]:
        """The names of the objects that the statements change in place."""
        return frozenset(name for step in self.steps for name in step.changes)

    def run_by_import(self, names: Container[str]) -> frozenset[ast.stmt]:
        """The statements that an import which gave a module ``names`` has run."""
        guarded = {inner for node in self.statements if is_main_guard(node) for inner in ast.walk(node)}
        return frozenset(
            step.node
            for step in self.steps
            if step.node not in guarded and all(name in names for name in step.binds | step.changes)
        )

    def relevant(
        self, wanted: frozenset[str], also: frozenset[ast.stmt] = frozenset()
    ) -> frozenset[ast.stmt]:
        """The statements that the values of the names ``wanted`` and the statements ``also`` depend on."""
        found, names = set(), set(wanted)
        grown = True
        while grown:
            grown = False
            for step in self.steps:
                if step.node in found:
                    continue
                is_view = bool(step.views & names and step.binds & self.changed)
                if step.node in also or (step.binds | step.changes) & names or is_view:
                    found.add(step.node)
                    names |= step.uses | step.binds | step.changes
                    grown = True
        return frozenset(found)


def body_of(node: ast.AST) -> Body:
    """The statements of a module, a function, a lambda expression or a class."""
    if isinstance(node, ast.Lambda):
        returned = ast.copy_location(ast.Return(node.body), node.body)
        return Body((returned,))
    return Body(tuple(node.body))  # type: ignore[attr-defined]


def blocks_of(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of a compound statement; those of a definition are its own affair."""
    if isinstance(node, DEFINITIONS):
        return
    for part in ("body", "orelse", "finalbody"):
        block = getattr(node, part, None)
        if isinstance(block, list) and block:
            yield block
    for handler in [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]:
        yield handler.body


def names_in(*nodes: ast.AST | None) -> frozenset[str]:
    """Names that the expressions read."""
    return frozenset(
        inner.id
        for node in nodes
        if node is not None
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name)
    )


def own_expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """Expressions of the statement itself: those of inner statements come with them."""
    if isinstance(statement, DEFINITIONS):
        yield from statement.decorator_list
        return
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.withitem):
            yield child.context_expr


def _steps(statements: tuple[ast.stmt, ...] | list[ast.stmt], deciding: frozenset[str]) -> Iterator[Step]:
    for node in statements:
        blocks = list(blocks_of(node))
        if not blocks:
            yield _step(node, deciding)
            continue
        uses = deciding | names_in(*own_expressions(node))
        bound = _bound_by(node)
        if bound:
            yield Step(node, bound, uses=uses)
        for block in blocks:
            yield from _steps(block, uses | bound)


def _bound_by(node: ast.stmt) -> frozenset[str]:
    """The names that the head of a compound statement binds."""
    if isinstance(node, ast.For | ast.AsyncFor):
        return names_in(node.target)
    if isinstance(node, ast.With | ast.AsyncWith):
        return names_in(*(item.optional_vars for item in node.items))
    return frozenset()


def _step(node: ast.stmt, deciding: frozenset[str]) -> Step:
    if isinstance(node, DEFINITIONS):
        return Step(node, frozenset({node.name}), uses=deciding | names_in(node))
    if isinstance(node, ast.Import | ast.ImportFrom):
        bound = frozenset(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        return Step(node, bound, uses=deciding)
    uses = deciding | names_in(*own_expressions(node))
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        binds, changes = set(), set()
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    binds.add(part.id)
                elif isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store):
                    changes |= {_root(part)} - {""}
        value = node.value
        changes |= _changed_by(value)
        views = (
            {_root(value)}
            if isinstance(value, ast.Attribute | ast.Subscript | ast.Call | ast.Name)
            else set()
        )
        return Step(node, frozenset(binds), frozenset(changes), uses, frozenset(views - {""}))
    if isinstance(node, ast.Expr):
        return Step(node, changes=frozenset(_changed_by(node.value)), uses=uses)
    return Step(node, uses=uses)


def _changed_by(value: ast.expr | None) -> set[str]:
    """Names of the objects that a call may change: its owner, and what it is given where its name says so."""
    if not isinstance(value, ast.Call):
        return set()
    last = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    found = {_root(value.func)} if isinstance(value.func, ast.Attribute) else set()
    if last.startswith(_CHANGING_VERBS):
        found |= {argument.id for argument in value.args if isinstance(argument, ast.Name)}
    return found - {""}


def _root(node: ast.expr) -> str:
    """The name that an attribute, an item or a chain of calls starts from; "" for none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
