"""The parameters that a constructor really has, also where it passes ``*args, **kwargs`` on to another."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters_of(value: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters of a call of ``value``, those of what it passes its arguments on to included.

    Args:
        value: a class or a function.

    Returns:
        None where the signature cannot be read (built in C).
    """
    try:
        own = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        return None
    if not any(parameter.kind in _VARIADIC for parameter in own):
        return own
    if inspect.isclass(value):
        return _inherited(value, own)
    return own


def required(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Those of ``parameters`` that have no default."""
    return [p for p in parameters if p.default is p.empty and p.kind not in _VARIADIC]


def _inherited(value: type, own: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """``own``, its variadic parameters replaced by those of the constructors that they are passed on to."""
    found = list(own)
    for base in value.__mro__:
        start = vars(base).get("__init__")
        if not inspect.isfunction(start):
            continue
        if base is not value and start is not inspect.getattr_static(value, "__init__"):
            after = list(inspect.signature(start).parameters.values())[1:]
            found = _merged(found, after)
        if not any(parameter.kind in _VARIADIC for parameter in found) or not _passes_on(start):
            break
    return found


def _merged(found: list[inspect.Parameter], after: list[inspect.Parameter]) -> list[inspect.Parameter]:
    named = {parameter.name for parameter in found if parameter.kind not in _VARIADIC}
    takes_positional = any(p.kind is p.VAR_POSITIONAL for p in found)
    takes_named = any(p.kind is p.VAR_KEYWORD for p in found)
    kept = [parameter for parameter in found if parameter.kind not in _VARIADIC]
    more = [p for p in after if p.name not in named]
    if not takes_positional:  # what comes after can be given by name only
        more = [
            p.replace(kind=p.KEYWORD_ONLY) if p.kind is p.POSITIONAL_OR_KEYWORD else p
            for p in more
            if p.kind is not p.VAR_POSITIONAL
        ]
    if not takes_named:
        more = [p for p in more if p.kind is not p.KEYWORD_ONLY and p.kind is not p.VAR_KEYWORD]
    return sorted([*kept, *more], key=lambda p: p.kind)


def _passes_on(start: Callable[..., Any]) -> bool:
    """Whether a constructor passes its variadic arguments to the one of a base class."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(start)))
    except (OSError, TypeError, SyntaxError):
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "__init__":
            spread = [*node.args, *(keyword for keyword in node.keywords if keyword.arg is None)]
            if any(isinstance(each, ast.Starred | ast.keyword) for each in spread):
                return True
    return False
