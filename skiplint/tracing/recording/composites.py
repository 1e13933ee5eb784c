"""Record the built-in calls that torch's Python functions make, instead of these functions.

``F.relu(x, inplace=True)`` and ``x.relu_()`` both call one built-in. A trace that records the built-in has
the same graph for every spelling, and sees the projections inside ``F.multi_head_attention_forward``. A
function of ``torch.nn.functional`` passes itself to an active function mode before its body runs. A copy of
it for which ``has_torch_function`` is always False runs its body instead. Torch itself is not patched.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

_MODULES = frozenset({"torch.nn.functional", "torch.functional"})
_globals: dict[int, dict[str, Any]] = {}
_copies: dict[types.FunctionType, Callable[..., Any]] = {}


def opened(function: Any) -> Callable[..., Any] | None:
    """Return a copy of ``function`` that runs its Python body under a function mode; None for a built-in."""
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
    """The closure with its functions opened too: ``max_pool2d`` chooses between two that call it again."""
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
            is_check = name.startswith("has_torch_function")
            changed[name] = _no_torch_function if is_check else opened(value) or value
    return changed


def _no_torch_function(*_: Any) -> bool:
    return False
