"""Which arguments a failed construction or forward goes back to."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from skiplint.sources.owners import owner
from skiplint.targets.arguments.definitions import Definitions, SourceTree, is_super_call
from skiplint.targets.arguments.settings_object import Key, Settings

Origins = Mapping[str, frozenset[Key]]
"""By local name, or attribute such as ``self.width``, the arguments that its value is made of."""
_NONE: frozenset[Key] = frozenset()


@dataclass(frozen=True)
class Place:
    """One frame of a failure: what stands on its line, and where the local values come from."""

    frame: FrameType
    statement: ast.AST
    """The expression that failed: of an assertion, a condition or a loop only that."""
    condition: ast.expr | None
    """What had to hold, or not to hold, where the code itself raises."""
    holds: bool
    """Whether the condition must hold."""
    origins: Origins

    def arguments(self) -> list[Key]:
        """The arguments in the failed expression, in the order in which they stand there."""
        return list(dict.fromkeys(_in_order(self.statement, self.frame, self.origins)))


@dataclass(frozen=True)
class Blame:
    """The frames of a failure, the innermost first."""

    error: BaseException
    places: tuple[Place, ...] = field(default=())

    def arguments(self) -> list[Key]:
        """The arguments that have to do with the failure, those in the innermost code first."""
        return list(dict.fromkeys(key for place in self.places for key in place.arguments()))


def blame(error: BaseException, arguments: Iterable[Key], definitions: Definitions) -> Blame:
    """Trace ``error`` back to ``arguments`` of the constructor.

    Args:
        error: with the traceback of the constructor, or of a forward.
        arguments: the arguments of the constructor, by name.
        definitions: the syntax of the code.
    """
    names = {key[0]: frozenset({key}) for key in arguments if len(key) == 1}
    places: list[Place] = []
    origins: Origins = {}
    outer: tuple[FrameType, int] | None = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not places and owner(frame.f_code.co_filename) in ("skiplint", "library"):
            continue  # the call of the constructor itself
        found = definitions.at(frame.f_code)
        if found is None:
            if frame.f_code.co_name.startswith("<") and places:  # a comprehension sees what is around it
                function, source = _around(definitions, frame)
                if function is not None and source is not None:
                    places.append(_place(frame, line, function, source, {**origins}))
            continue
        node, source = found
        given = (
            names
            if not places and _is_constructor(frame, names)
            else _passed(outer, frame, origins, definitions)
        )
        origins = _flow(node, frame, given)
        places.append(_place(frame, line, node, source, origins))
        outer = (frame, line)
    return Blame(error, tuple(reversed(places)))


def _is_constructor(frame: FrameType, names: Mapping[str, Any]) -> bool:
    code = frame.f_code
    known = {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}
    return code.co_name != "forward" and (bool(known & set(names)) or bool(code.co_flags & 8))


def _around(definitions: Definitions, frame: FrameType) -> tuple[ast.AST | None, SourceTree | None]:
    source = definitions.source(frame.f_code.co_filename)
    if source is None:
        return None, None
    inside = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef)
        and node.lineno <= frame.f_code.co_firstlineno <= (node.end_lineno or node.lineno)
    ]
    return (inside[-1] if inside else None), source


def _place(frame: FrameType, line: int, function: ast.AST, source: SourceTree, origins: Origins) -> Place:
    statements = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.stmt)
        and node is not function
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    if not statements:
        return Place(frame, ast.Pass(), None, True, origins)
    statement = statements[-1]
    if isinstance(statement, ast.Assert):
        return Place(frame, statement.test, statement.test, True, origins)
    if isinstance(statement, ast.Raise):
        around = source.parents.get(statement)
        if isinstance(around, ast.If):
            holds = statement not in around.body
            return Place(frame, around.test, around.test, holds, origins)
    if isinstance(statement, ast.If | ast.While):
        return Place(frame, statement.test, None, True, origins)
    if isinstance(statement, ast.For):
        return Place(frame, statement.iter, None, True, origins)
    return Place(frame, statement, None, True, origins)


def _in_order(node: ast.AST, frame: FrameType, origins: Origins) -> Iterator[Key]:
    for inner in ast.walk(node):
        yield from sorted(_own(inner, frame, origins))


def _own(node: ast.AST, frame: FrameType, origins: Origins) -> frozenset[Key]:
    """The arguments that this very node, not what is in it, reads."""
    if isinstance(node, ast.Name):
        return origins.get(node.id, _NONE)
    if isinstance(node, ast.Attribute | ast.Subscript):
        held = _held(node.value, frame)
        if isinstance(held, Settings):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node.slice, "value", None)
            if isinstance(name, str):
                return frozenset({(*held.__dict__["_key"], name)})
        if isinstance(node, ast.Attribute):
            return origins.get(ast.unparse(node), _NONE)
    return _NONE


def _held(node: ast.expr, frame: FrameType) -> Any:
    """The object that a dotted name means in ``frame``, without running any code."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id)
    if isinstance(node, ast.Attribute):
        base = _held(node.value, frame)
        if isinstance(base, Settings):
            return dict.get(base, node.attr)
        return getattr(base, "__dict__", {}).get(node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        base = _held(node.value, frame)
        return dict.get(base, str(node.slice.value)) if isinstance(base, Settings) else None
    return None


def _origins_of(node: ast.AST, frame: FrameType, origins: Origins) -> frozenset[Key]:
    return frozenset(_in_order(node, frame, origins))


def _flow(function: ast.AST, frame: FrameType, given: Origins) -> Origins:
    """Where the local values of a function come from, whatever the order in which they are assigned."""
    origins: dict[str, frozenset[Key]] = dict(given)
    for _ in range(2):
        for node in ast.walk(function):
            match node:
                case ast.Assign(targets=targets, value=value):
                    _assign(targets, _origins_of(value, frame, origins), origins)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    _assign([target], _origins_of(value, frame, origins), origins)
                case ast.AugAssign(target=target, value=value):
                    _assign([target], _origins_of(value, frame, origins), origins)
                case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                    _assign([target], _origins_of(value, frame, origins), origins)
    return origins


def _assign(targets: list[ast.expr], keys: frozenset[Key], origins: dict[str, frozenset[Key]]) -> None:
    if not keys:
        return
    for target in targets:
        for each in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            if isinstance(each, ast.Name | ast.Attribute):
                name = ast.unparse(each)
                origins[name] = origins.get(name, _NONE) | keys


def _passed(
    calling: tuple[FrameType, int] | None, inner: FrameType, origins: Origins, definitions: Definitions
) -> Origins:
    """Where the parameters of ``inner`` come from, by the call in ``calling``: a frame and its line."""
    code = inner.f_code
    names = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    if calling is None:
        return {}
    outer, line = calling
    source = definitions.source(outer.f_code.co_filename)
    calls = source.calls.get(line, []) if source is not None else []
    call = next((each for each in calls if _may_call(each, inner)), None)
    call = call or next((each for each in calls if each.args or each.keywords), None)
    if call is None:
        return {}
    if names[:1] == ["self"]:
        names = names[1:]
    given: dict[str, frozenset[Key]] = {}
    for name, value in zip(names, call.args, strict=False):
        given[name] = _origins_of(value, outer, origins)
    for keyword in call.keywords:
        if keyword.arg is not None:
            given[keyword.arg] = _origins_of(keyword.value, outer, origins)
        else:
            held = _held(keyword.value, outer)
            for name in held if isinstance(held, dict) else ():
                if isinstance(name, str) and name not in given:
                    given[name] = frozenset({(name,)}) | _origins_of(keyword.value, outer, origins)
    return given


def _may_call(call: ast.Call, inner: FrameType) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if inner.f_code.co_name == "__init__":
        built = type(inner.f_locals.get("self")).__mro__
        return is_super_call(call) or name in {each.__name__ for each in built}
    return name == inner.f_code.co_name
