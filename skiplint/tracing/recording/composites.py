"""Python-level torch functions opened up, so that a trace names the built-in calls they make.

``F.relu(x, inplace=True)`` and ``x.relu_()`` both end in one built-in; recording that one gives the same
graph for every spelling, and opens ``F.multi_head_attention_forward`` into its projections. Functions of
``torch.nn.functional`` hand themselves to an active function mode before their body runs; a copy whose
``has_torch_function`` says no runs the body instead. Nothing of torch is patched.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

_MODULES = frozenset({"torch.nn.functional", "torch.functional"})
_CHECKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
_globals: dict[int, dict[str, Any]] = {}
_copies: dict[types.FunctionType, Callable[..., Any]] = {}


def opened(function: Any) -> Callable[..., Any] | None:
    """A copy of ``function`` that runs its Python body under a function mode, None for built-ins."""
    if not isinstance(function, types.FunctionType) or function.__module__ not in _MODULES:
        return None
    copy = _copies.get(function)
    if copy is None:
        copy = types.FunctionType(
            function.__code__,
            _body_globals(function.__globals__),
            function.__name__,
            function.__defaults__,
            _body_closure(function),
        )
        copy.__kwdefaults__ = function.__kwdefaults__
        _copies[function] = copy
    return copy


def _body_closure(function: types.FunctionType) -> tuple[types.CellType, ...] | None:
    """The closure with its functions opened too: ``max_pool2d`` chooses between two that name it again."""
    if function.__closure__ is None:
        return None
    contents = [cell.cell_contents for cell in function.__closure__]
    return tuple(types.CellType(opened(content) or content) for content in contents)


def _body_globals(original: dict[str, Any]) -> dict[str, Any]:
    changed = _globals.get(id(original))
    if changed is None:
        changed = dict(original)
        _globals[id(original)] = changed  # before it is filled: the functions name each other
        for name, value in original.items():
            changed[name] = opened(value) or value
        for name in _CHECKS:
            changed[name] = _no_torch_function
    return changed


def _no_torch_function(*_: Any) -> bool:
    return False
