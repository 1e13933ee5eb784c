"""The syntax trees of functions and classes that are loaded."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import Any

from skiplint.targets.models.mentions import FunctionNode


@dataclass(frozen=True)
class SourceTree:
    """A parsed file; each node knows the one around it."""

    tree: ast.Module
    parents: Mapping[ast.AST, ast.AST]
    _texts: dict[ast.AST, str] = field(default_factory=dict, repr=False)

    def text(self, node: ast.AST) -> str:
        """``node`` as source."""
        if node not in self._texts:
            self._texts[node] = ast.unparse(node)
        return self._texts[node]

    @cached_property
    def calls(self) -> Mapping[int, list[ast.Call]]:
        """By line, the calls that stand on it."""
        found: dict[int, list[ast.Call]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    found.setdefault(line, []).append(node)
        return found


@dataclass(frozen=True)
class Definition:
    """A function of a file: its syntax and the names that it sees."""

    node: FunctionNode
    source: SourceTree
    namespace: Mapping[str, Any]
    owner: type | None = None
    """The class of which it is a method."""

    @property
    def class_node(self) -> ast.ClassDef | None:
        """The class around it."""
        around = self.source.parents.get(self.node)
        return around if isinstance(around, ast.ClassDef) else None

    @property
    def receiver(self) -> str | None:
        """What it calls its object, ``self`` as a rule; None for a plain function."""
        named = [*self.node.args.posonlyargs, *self.node.args.args]
        return named[0].arg if self.class_node is not None and named else None

    def parameters(self) -> list[str]:
        """The names of its positional parameters, without the receiver."""
        named = [each.arg for each in (*self.node.args.posonlyargs, *self.node.args.args)]
        return named[1:] if self.receiver is not None else named

    def resolve(self, node: ast.expr) -> Any:
        """The object that a dotted name means where the function is defined; None where that is open."""
        if isinstance(node, ast.Name):
            found = self.namespace.get(node.id)
            return getattr(builtins, node.id, None) if found is None else found
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value)
            return None if base is None else inspect.getattr_static(base, node.attr, None)
        return None


class Definitions:
    """Finds the syntax of what is loaded; each file is parsed once."""

    def __init__(self) -> None:
        self._sources: dict[str, SourceTree | None] = {}
        self._functions: dict[CodeType, tuple[FunctionNode, SourceTree] | None] = {}

    def source(self, path: str) -> SourceTree | None:
        """The syntax tree of the file ``path``; None where it cannot be read."""
        if path not in self._sources:
            try:
                tree = ast.parse(Path(path).read_bytes())
            except (OSError, SyntaxError, ValueError, RecursionError):  # then nothing is known of it
                self._sources[path] = None
            else:
                around = {inner: node for node in ast.walk(tree) for inner in ast.iter_child_nodes(node)}
                self._sources[path] = SourceTree(tree, around)
        return self._sources[path]

    def of(self, value: Any) -> Definition | None:
        """What runs when ``value`` is called: a function itself, the ``__init__`` of a class."""
        return self.constructor(value) if inspect.isclass(value) else self._function(value, None)

    def constructor(self, cls: type, after: type | None = None) -> Definition | None:
        """The ``__init__`` that ``cls`` has, or the next one after that of its base ``after``."""
        classes = cls.__mro__
        start = classes.index(after) + 1 if after in classes else 0
        for each in classes[start:]:
            if "__init__" in vars(each):
                return self._function(vars(each)["__init__"], each)
        return None

    def method(self, cls: type, name: str) -> Definition | None:
        """The method ``name`` of ``cls``."""
        for each in cls.__mro__:
            if name in vars(each):
                return self._function(vars(each)[name], each)
        return None

    def at(self, code: CodeType) -> tuple[FunctionNode, SourceTree] | None:
        """The syntax of the function whose code this is."""
        if code not in self._functions:
            self._functions[code] = self._find(code)
        return self._functions[code]

    def _find(self, code: CodeType) -> tuple[FunctionNode, SourceTree] | None:
        source = self.source(code.co_filename)
        if source is None:
            return None
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
                first = node.decorator_list[0] if node.decorator_list else node
                if code.co_firstlineno in (node.lineno, first.lineno):
                    return node, source
        return None

    def _function(self, value: Any, owner: type | None) -> Definition | None:
        function: Callable[..., Any] = inspect.unwrap(value) if callable(value) else value
        function = getattr(function, "__func__", function)
        code = getattr(function, "__code__", None)
        found = self.at(code) if isinstance(code, CodeType) else None
        if found is None:
            return None
        node, source = found
        return Definition(node, source, getattr(function, "__globals__", {}), owner)


def required(value: Any, definitions: Definitions) -> list[inspect.Parameter]:
    """The arguments that a call of ``value`` must have, those of a base class that it passes on included."""
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        return []
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [each for each in parameters if each.default is each.empty and each.kind not in variadic]
    passed_on = any(each.kind in variadic for each in parameters)
    if not passed_on or not inspect.isclass(value):
        return needed
    return needed + _passed_on(value, {each.name for each in parameters}, definitions)


def _passed_on(cls: type, known: set[str], definitions: Definitions) -> list[inspect.Parameter]:
    """The missing parameters of the base class to whose constructor ``cls`` passes what it is given."""
    owner = next((each for each in cls.__mro__ if "__init__" in vars(each)), None)
    definition = definitions.constructor(cls)
    if owner is None or definition is None:
        return []
    given: set[str] = set()
    for call in super_calls(definition):
        given |= {keyword.arg for keyword in call.keywords if keyword.arg}
        plain = [each for each in call.args if not isinstance(each, ast.Starred)]
        following = _next_constructor(cls, owner)
        if following is None:
            return []
        positional = list(inspect.signature(following).parameters)[1:]
        given |= set(positional[: len(plain)])
    following = _next_constructor(cls, owner)
    if following is None:
        return []
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = list(inspect.signature(following).parameters.values())[1:]
    return [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for each in parameters
        if each.default is each.empty and each.kind not in variadic and each.name not in known | given
    ]


def _next_constructor(cls: type, owner: type) -> Callable[..., Any] | None:
    from torch import nn

    after = cls.__mro__[cls.__mro__.index(owner) + 1 :]
    found = next((each for each in after if "__init__" in vars(each)), None)
    return None if found in (None, object, nn.Module) else vars(found)["__init__"]


def super_calls(definition: Definition) -> list[ast.Call]:
    """The calls ``super().__init__(...)`` of a constructor."""
    return [node for node in ast.walk(definition.node) if isinstance(node, ast.Call) and is_super_call(node)]


def is_super_call(node: ast.Call) -> bool:
    """Whether ``node`` is ``super().__init__(...)``."""
    function = node.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "__init__"
        and isinstance(function.value, ast.Call)
        and isinstance(function.value.func, ast.Name)
        and function.value.func.id == "super"
    )
