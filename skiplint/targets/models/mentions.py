"""What definitions mention, as dotted names: annotations and type checks are no mention."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_TYPE_CHECKS = frozenset({"isinstance", "issubclass"})


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a name or a chain of attributes of one; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def mentioned(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The dotted names that ``nodes`` read; a parameter of a function hides what is called like it."""
    return frozenset(name for node in nodes for name in _mentioned(node, frozenset()))


def mentioned_by(definition: ast.stmt | ast.expr) -> frozenset[str]:
    """The dotted names in the body of a class or function, or in an assigned value.

    Bases and decorators are left out; defaults of parameters belong to the body.
    """
    if isinstance(definition, ast.ClassDef):
        return mentioned(definition.body)
    if isinstance(definition, FunctionNode):
        return frozenset(_in_function(definition, frozenset()))
    return mentioned([definition])


def parameters(node: FunctionNode | ast.Lambda) -> list[str]:
    """The names of all parameters of a function, in order."""
    given = node.args
    variadic = [each for each in (given.vararg, given.kwarg) if each is not None]
    return [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs, *variadic)]


def needs_arguments(node: FunctionNode) -> bool:
    """Whether a call of a function needs an argument; of a method, beside the object that it is called on."""
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    if positional and positional[0].arg == "self":
        positional = positional[1:]
    return len(positional) > len(given.defaults) or any(default is None for default in given.kw_defaults)


def bound_in(node: ast.AST) -> frozenset[str]:
    """Every name that is bound somewhere in ``node``: assigned, a parameter, or defined."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.add(each.id)
        elif isinstance(each, ast.arg):
            found.add(each.arg)
        elif isinstance(each, FunctionNode | ast.ClassDef | ast.ExceptHandler) and each.name is not None:
            found.add(each.name)
    return frozenset(found)


def _mentioned(node: ast.AST, hidden: frozenset[str]) -> Iterator[str]:
    name = dotted(node)
    if name:
        if name.partition(".")[0] not in hidden:
            yield name
    elif isinstance(node, FunctionNode):
        for decorator in node.decorator_list:
            yield from _mentioned(decorator, hidden)
        yield from _in_function(node, hidden)
    elif isinstance(node, ast.Lambda):
        yield from _mentioned(node.body, hidden | set(parameters(node)))
    elif isinstance(node, ast.Call) and dotted(node.func) in _TYPE_CHECKS:
        for argument in node.args[:1]:
            yield from _mentioned(argument, hidden)
    else:
        for field, value in ast.iter_fields(node):
            is_type = field == "annotation" or (isinstance(node, ast.ExceptHandler) and field == "type")
            if is_type:
                continue
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.AST):
                    yield from _mentioned(item, hidden)


def _in_function(node: FunctionNode, hidden: frozenset[str]) -> Iterator[str]:
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None:
            yield from _mentioned(default, hidden)
    inner = hidden | set(parameters(node))
    for statement in node.body:
        yield from _mentioned(statement, inner)
