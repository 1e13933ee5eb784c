"""Run those statements of a module or a function that some of its names depend on, and no others.

Nothing of the user's file is executed: statements are read from the syntax tree, and only calls without
effects are made. A name whose value cannot be found this way is unknown, which ends only what needs it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

from skiplint.targets.evaluation.expressions import Evaluator, NotSimpleError, unpacked
from skiplint.targets.evaluation.slices import Body, FunctionNode, blocks_of
from skiplint.targets.models.syntax import FileSyntax

_MOST_ROUNDS = 64
"""Elements of a loop that are gone through."""


class Shared(Protocol):
    """What the frames of one evaluation share (:class:`skiplint.targets.evaluation.reading.Reading`)."""

    def picked(self, values: Sequence[Any]) -> Any:
        """One of several values that a name has."""

    def spend(self) -> None:
        """Count a statement."""

    def deeper(self) -> AbstractContextManager[None]:
        """One call further in."""

    def body(self, node: ast.AST) -> Body:
        """The statements of a node."""

    def function(self, frame: Frame, node: FunctionNode) -> Callable[..., Any]:
        """The function that ``node`` defines."""

    def class_of(self, frame: Frame, node: ast.ClassDef) -> Any:
        """The class that ``node`` defines."""

    def outer(self, frame: Frame, name: str) -> Any:
        """The value of a name that a module does not bind by name."""

    def imports(
        self, file: FileSyntax, node: ast.Import | ast.ImportFrom
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        """The names that an import statement binds, each with what finds its value."""

    def attribute(self, owner: Any, name: str) -> Any:
        """An attribute of a value."""

    def own(self, value: Any) -> Any:
        """A value of an imported module, or a copy of it."""

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a value."""

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call gives."""

    def parameter(self, frame: Frame, name: str) -> Any:
        """The value of a parameter that no call gives here."""


class _Reached(Exception):  # noqa: N818 - no error: the place in question is reached
    pass


class _Returned(Exception):  # noqa: N818 - no error: a return statement
    def __init__(self, value: Any) -> None:
        self.value = value


class _Unknown:
    def __init__(self, why: str) -> None:
        self.why = why


class Deferred:
    """A value that is found when a name is read: what an import statement binds."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self.find = find


class Frame:
    """The names of one module, function or class body, as they are at one place in it."""

    def __init__(
        self,
        reading: Shared,
        file: FileSyntax,
        node: ast.Module | FunctionNode | ast.ClassDef,
        parent: Frame | None = None,
        *,
        given: Mapping[str, Any] | None = None,
        line: frozenset[ast.stmt] = frozenset(),
        owner: ast.ClassDef | None = None,
        live: Mapping[str, Any] | None = None,
    ) -> None:
        """Set up the frame; nothing runs before a name is asked for.

        Args:
            reading: what is shared by all frames.
            file: the file that ``node`` is in.
            node: whose statements are run.
            parent: the frame around it; that of a method is the one around its class.
            given: values of parameters.
            line: the statements that contain the place; those after it do not count.
            owner: the class that a method is defined in.
            live: the names of the imported module.
        """
        self.reading, self.file, self.node, self.parent, self.owner = reading, file, node, parent, owner
        self.given = dict(given or {})
        self._line = line
        self._live = live or {}
        self._parameters = parameters_of(node)
        self._body: Body = reading.body(node)
        self._values: dict[str, Any] = {}
        self._done: frozenset[ast.stmt] = self._body.run_by_import(self._live) if live else frozenset()
        self._running = False
        self.evaluator = Evaluator(self)

    # -- what the evaluator asks for ----------------------------------------------------------------

    def value(self, name: str) -> Any:
        """The value of ``name`` here.

        Raises:
            NotSimpleError: it is unknown.
        """
        if name not in self._values:
            touched = name in self._body.names or name in self._body.changed
            if not touched:
                return self._from_outside(name)
            self._start(name)
            if not self._running:
                self._run(frozenset({name}))
        return self._read(name)

    def _start(self, name: str) -> None:
        """Give a name that the statements bind or change the value that it has before them."""
        if self._running and name in self._body.names and not self._has_before(name):
            raise NotSimpleError(f"{name} has no value yet")
        if self._has_before(name) or name not in self._body.names:
            try:
                self._values[name] = self._from_outside(name)
            except NotSimpleError as error:
                self._values[name] = _Unknown(str(error))
        else:
            self._values[name] = _Unknown(f"{name} has no value yet")

    def _has_before(self, name: str) -> bool:
        return name in self._live or name in self.given or name in self._parameters

    def _from_outside(self, name: str) -> Any:
        """The value of a name before any statement has run: imported, passed, or of the frame around."""
        if name in self._live:
            return self.reading.own(self._live[name])
        if name in self.given:
            return self.given[name]
        if name in self._parameters:
            return self.reading.parameter(self, name)
        if self.parent is None:
            return self.reading.outer(self, name)
        return self.parent.value(name)

    def attribute(self, owner: Any, name: str) -> Any:
        """An attribute of a value."""
        return self.reading.attribute(owner, name)

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call gives."""
        return self.reading.call(function, args, kwargs)

    def closure(self, node: ast.Lambda) -> Callable[..., Any]:
        """The function that a lambda expression makes."""
        return self.reading.function(self, node)

    def returned(self) -> Any:
        """What the function gives; None without a return statement."""
        ends = frozenset(
            step.node
            for step in self._body.steps
            if isinstance(step.node, ast.Return)
            or (isinstance(step.node, ast.Expr) and isinstance(step.node.value, ast.Yield))
        )
        try:
            self._run(frozenset(self._parameters), ends)
        except _Returned as end:
            return end.value
        if ends:
            raise NotSimpleError("what the function returns is unknown")
        return None

    def _read(self, name: str) -> Any:
        found = self._values[name]
        if isinstance(found, Deferred):
            found = self._values[name] = found.find()
        if isinstance(found, _Unknown):
            raise NotSimpleError(found.why)
        return found

    # -- statements ---------------------------------------------------------------------------------

    def _run(self, wanted: frozenset[str], also: frozenset[ast.stmt] = frozenset()) -> None:
        chosen = self._body.relevant(wanted, also) - self._done
        self._running = True
        try:
            self._block(self._body.statements, chosen, sure=True)
        except _Reached:
            pass
        finally:
            self._running = False
            self._done |= chosen

    def _block(self, statements: Any, chosen: frozenset[ast.stmt], *, sure: bool) -> None:
        for node in statements:
            blocks = list(blocks_of(node))
            if node in self._line:
                self._enter(node, blocks, chosen)
                raise _Reached
            if not blocks:
                if node in chosen:
                    self._step(node, sure=sure)
            elif any(inner in chosen for inner in ast.walk(node)):
                self._compound(node, chosen, sure=sure)

    def _enter(self, node: ast.stmt, blocks: list[list[ast.stmt]], chosen: frozenset[ast.stmt]) -> None:
        """Go on inside of the compound statement that holds the place."""
        if isinstance(node, ast.For | ast.AsyncFor):
            self._guarded(node, lambda: self._assign(node.target, self._pick(node.iter)), sure=True)
        elif isinstance(node, ast.With | ast.AsyncWith):
            self._contexts(node, sure=True)
        for block in blocks:
            if any(inner in self._line for inner in block):
                self._block(block, chosen, sure=True)

    def _pick(self, iterable: ast.expr) -> Any:
        return self.reading.picked(list(self.evaluator.evaluate(iterable)))

    def _compound(self, node: ast.stmt, chosen: frozenset[ast.stmt], *, sure: bool) -> None:
        if isinstance(node, ast.If):
            known = self._truth(node.test)
            if known is not False:
                self._block(node.body, chosen, sure=sure and known is not None)
            if known is not True:
                self._block(node.orelse, chosen, sure=sure and known is not None)
        elif isinstance(node, ast.For):
            for item in self._items(node.iter):
                self._guarded(node, partial(self._assign, node.target, item), sure=sure)
                self._block(node.body, chosen, sure=sure)
        elif isinstance(node, ast.With):
            self._contexts(node, sure=sure)
            self._block(node.body, chosen, sure=sure)
        elif isinstance(node, ast.Try):
            for block in (node.body, node.orelse, node.finalbody):
                self._block(block, chosen, sure=sure)

    def _truth(self, test: ast.expr) -> bool | None:
        try:
            return bool(self.evaluator.evaluate(test))
        except (NotSimpleError, RuntimeError, ValueError, TypeError):  # truth of tensors and arrays
            return None

    def _items(self, iterable: ast.expr) -> list[Any]:
        try:
            return list(self.evaluator.evaluate(iterable))[:_MOST_ROUNDS]
        except (NotSimpleError, TypeError):
            return []

    def _contexts(self, node: ast.With | ast.AsyncWith, *, sure: bool) -> None:
        for item in node.items:
            target = item.optional_vars
            if target is not None:
                self._guarded(node, partial(self._bind, target, item.context_expr), sure=sure)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        self._assign(target, self.evaluator.evaluate(value))

    def _step(self, node: ast.stmt, *, sure: bool) -> None:
        self._guarded(node, lambda: self._perform(node), sure=sure)

    def _guarded(self, node: ast.stmt, perform: Callable[[], None], *, sure: bool) -> None:
        """Run one statement; where it cannot be run, the names that it binds are unknown."""
        try:
            self.reading.spend()
            perform()
        except (NotSimpleError, AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
            if sure:
                for step in self._body.steps:
                    if step.node is node:
                        self._values.update(dict.fromkeys(step.binds, _Unknown(str(error))))

    def _perform(self, node: ast.stmt) -> None:
        evaluate = self.evaluator.evaluate
        if isinstance(node, ast.Assign):
            value = evaluate(node.value)
            for target in node.targets:
                self._assign(target, value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, evaluate(node.value))
        elif isinstance(node, ast.AugAssign):
            self._assign(node.target, evaluate(ast.BinOp(_as_read(node.target), node.op, node.value)))
        elif isinstance(node, ast.Return):
            raise _Returned(None if node.value is None else evaluate(node.value))
        elif (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield) and node.value.value is not None
        ):
            raise _Returned(evaluate(node.value.value))
        elif isinstance(node, ast.Expr):
            evaluate(node.value)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name, find in self.reading.imports(self.file, node):
                self._values[name] = Deferred(find)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._values[node.name] = self.reading.function(self, node)
        elif isinstance(node, ast.ClassDef):
            self._values[node.name] = self.reading.class_of(self, node)

    def _assign(self, target: ast.expr, value: Any) -> None:
        for part, item in unpacked(target, value):
            if isinstance(part, ast.Name):
                self._values[part.id] = item
            elif isinstance(part, ast.Attribute):
                self.reading.set_attribute(self.evaluator.evaluate(part.value), part.attr, item)
            elif isinstance(part, ast.Subscript):
                self.evaluator.evaluate(part.value)[self.evaluator.evaluate(part.slice)] = item


def parameters_of(node: ast.AST) -> dict[str, ast.expr | None]:
    """The parameters of a function, each with its default; none for other nodes."""
    arguments = getattr(node, "args", None)
    if not isinstance(arguments, ast.arguments):
        return {}
    positional = [*arguments.posonlyargs, *arguments.args]
    without = len(positional) - len(arguments.defaults)
    defaults = [*[None] * without, *arguments.defaults]
    found = {each.arg: default for each, default in zip(positional, defaults, strict=True)}
    found.update(
        {each.arg: value for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)}
    )
    return found


def statements_around(tree: ast.AST, place: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes from ``tree`` down to ``place``, both included; empty where it is not in the tree."""
    for child in ast.iter_child_nodes(tree):
        if child is place:
            return (tree, place)
        if getattr(child, "end_lineno", None) is not None and not _within(place, child):
            continue
        if below := statements_around(child, place):
            return (tree, *below)
    return ()


def _within(place: ast.AST, node: ast.AST) -> bool:
    """Whether the lines of ``place`` are among those of ``node``, its decorators included."""
    whole: Any = node
    inner: Any = place
    first = min([whole.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", ()))])
    return bool(first <= inner.lineno <= whole.end_lineno)


def own_statements(nodes: tuple[ast.AST, ...]) -> Iterator[ast.stmt]:
    """The statements among ``nodes``."""
    return (node for node in nodes if isinstance(node, ast.stmt))


def _as_read(target: ast.expr) -> ast.expr:
    """An assignment's target as an expression that reads it."""
    return ast.parse(ast.unparse(target), mode="eval").body
