"""Who else may read a result that the traced call did not use, according to the source."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Collection, Iterator
from functools import lru_cache

from skiplint.graph import Location

Ran = frozenset[tuple[str, int]]
"""Paths and lines of what ran."""
_Statement = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr
_STATEMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr)


def _functions_around(place: Location) -> list[ast.stmt]:
    linecache.checkcache(place.path)
    functions = _functions("".join(linecache.getlines(place.path)))
    return [function for function in functions if _covers(function, place)]


@lru_cache(maxsize=16)
def _functions(source: str) -> list[ast.stmt]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _covers(node: ast.stmt, place: Location) -> bool:
    return node.lineno <= place.line <= (node.end_lineno or node.lineno)


def asks_for_mode(place: Location) -> bool:
    """Whether a function around ``place`` reads ``self.training``."""
    return any(
        isinstance(node, ast.Attribute) and node.attr == "training"
        for function in _functions_around(place)
        for node in ast.walk(function)
    )


def is_read(place: Location, ran: Ran) -> bool:
    """Whether the result made at ``place`` is stored in an attribute, or read in code that did not run.

    Args:
        place: where the call is.
        ran: the lines that ran in the traced forward.
    """
    for function in _functions_around(place):
        statements = [node for node in ast.walk(function) if isinstance(node, _STATEMENTS)]
        made = [node for node in statements if _covers(node, place) and _is_at(node, place)]
        names = {name for node in made for name in _targets(node)}
        local = _local(function)
        keeping = [node for node in statements if _keeps(node, local)]
        if any(node in made or (node.value and names & _loads(node.value)) for node in keeping):
            return True
        elsewhere = [*_conditions(function), *_not_reached(function, place.path, ran)]
        for name in names:
            own = {id(inner) for node in statements if name in _targets(node) for inner in ast.walk(node)}
            if any(name in _loads(node, own) for node in elsewhere):
                return True
    return False


def _conditions(function: ast.stmt) -> Iterator[ast.AST]:
    return (node for node in ast.walk(function) if isinstance(node, (ast.If, ast.IfExp)))


def _not_reached(function: ast.stmt, path: str, ran: Ran) -> Iterator[ast.stmt]:
    """The statements after a return under a condition, if the call ended there."""
    body: list[ast.stmt] = getattr(function, "body", [])
    for position, node in enumerate(body):
        returns = isinstance(node, ast.If) and any(isinstance(inner, ast.Return) for inner in ast.walk(node))
        rest = body[position + 1 :]
        if returns and rest:
            lines = range(rest[0].lineno, (function.end_lineno or rest[-1].lineno) + 1)
            if not any((path, line) in ran for line in lines):
                yield from rest


def _is_at(node: ast.stmt, place: Location) -> bool:
    """Whether ``place`` is in ``node`` and not in another statement of the same line."""
    if place.column is None or node.lineno != node.end_lineno:
        return True
    return node.col_offset < place.column <= (node.end_col_offset or place.column)


def _keeps(node: _Statement, local: Collection[str]) -> bool:
    """Whether the statement puts something where it outlives the call: an attribute, or what is in one."""
    if isinstance(node, ast.Expr):  # self.features.append(x)
        call = node.value
        return (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and _outlives(call.func.value, local)
        )
    return any(
        isinstance(target, ast.Attribute)
        or (isinstance(target, ast.Subscript) and _outlives(target.value, local))
        for target in _assigned(node)
    )


def _outlives(container: ast.expr, local: Collection[str]) -> bool:
    """Whether ``container`` is an attribute, an item of one, or a name from outside of the function."""
    while isinstance(container, ast.Subscript):
        container = container.value
    return isinstance(container, ast.Attribute) or (
        isinstance(container, ast.Name) and container.id not in local
    )


def _local(function: ast.stmt) -> set[str]:
    """The names that the function binds, its parameters among them."""
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return bound | {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}


def _loads(tree: ast.AST, but: Collection[int] = ()) -> set[str]:
    """Names that are read in ``tree``, without the nodes whose id is in ``but``."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in but)
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}


def _assigned(node: _Statement) -> list[ast.expr]:
    if isinstance(node, ast.Expr):
        return []
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _targets(node: _Statement) -> set[str]:
    """The names that the statement binds or fills: ``a``, ``store`` in ``store[key]`` and ``kept.append``."""
    if isinstance(node, ast.Expr):
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            return {call.func.value.id} if isinstance(call.func.value, ast.Name) else set()
        return set()
    return {name for target in _assigned(node) for name in _filled(target)}


def _filled(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Subscript, ast.Starred)):
        yield from _filled(target.value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _filled(element)
