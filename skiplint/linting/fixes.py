"""How rules say, in terms of the graph, what is to be changed in the source."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skiplint.graph import Location, ModelGraph, Operation
from skiplint.linting.fix import ArgumentEdit


def module_edit(
    graph: ModelGraph, path: str, argument: str, value: object, *, only_literals: bool = True
) -> ArgumentEdit | None:
    """Build the module at ``path`` with another ``argument``; None where nobody saw it built."""
    module = graph.modules.get(path)
    if module is None or module.built_at is None or not _is_own(module.built_at):
        return None
    package, _, name = module.class_name.rpartition(".")
    kind = getattr(sys.modules.get(package), name, None)
    return ArgumentEdit(
        location=module.built_at,
        callee=name,
        argument=argument,
        value=repr(value),
        position=_position(kind, argument) if isinstance(kind, type) else None,
        only_literals=only_literals,
        exact=False,
    )


_POSITIONS = {("cat", "dim"): 1, ("concat", "dim"): 1, ("stack", "dim"): 1, ("interpolate", "size"): 1}
"""Of functions that are written in C and have no signature."""


def call_edit(operation: Operation, argument: str, value: object) -> ArgumentEdit | None:
    """Make the call of ``operation`` with another ``argument``; None where its place is unknown."""
    place = operation.location
    if not _is_call(operation, place):
        return None
    assert place is not None
    from torch.nn import functional

    function = getattr(functional, operation.name, None)
    known = _POSITIONS.get((operation.name, argument))
    return ArgumentEdit(
        location=place,
        callee=operation.name,
        argument=argument,
        value=repr(value),
        position=_position(function, argument) if known is None and callable(function) else known,
    )


def out_of_place(graph: ModelGraph, operation: Operation) -> ArgumentEdit | None:
    """Make a call that has ``inplace=True``, its own or its module's, leave its operand alone.

    None for methods such as ``add_``, which have no such argument.
    """
    module = graph.modules.get(operation.module)
    if module is not None and module.class_name.startswith("torch.nn."):
        return module_edit(graph, operation.module, "inplace", value=False)
    from torch.nn import functional

    # Both F.relu(x, inplace=True) and torch.relu_(x) are recorded as relu_; only the first can be edited.
    function = getattr(functional, operation.base_name, None)
    position = _position(function, "inplace") if callable(function) else None
    if position is None or not _is_call(operation, operation.location):
        return None
    assert operation.location is not None
    return ArgumentEdit(
        location=operation.location,
        callee=operation.base_name,
        argument="inplace",
        value="False",
        position=position,
    )


def _is_call(operation: Operation, place: Location | None) -> bool:
    return operation.kind == "call" and place is not None and place.column is not None and _is_own(place)


def _is_own(place: Location) -> bool:
    """Whether the file is the user's, and not of an installed package."""
    parts = Path(place.path).parts
    return not place.path.startswith("<") and not {"site-packages", "dist-packages"} & set(parts)


def _position(callable_: Callable[..., Any], argument: str) -> int | None:
    try:
        names = list(inspect.signature(callable_).parameters)
    except (TypeError, ValueError):
        return None
    return names.index(argument) if argument in names else None
