"""Turn a remedy, which is in terms of the graph, into edits of the source."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable
from typing import Any

from skiplint.analysis.faults.remedy import ArgumentEdit, Edit, Remedy, ResampleEdit, WrapEdit
from skiplint.graph import Location, ModelGraph, Operation
from skiplint.operators import OPS
from skiplint.sources.owners import owner


def located(graph: ModelGraph, remedy: Remedy) -> Remedy:
    """``remedy`` with edits of the source; without any where the call was not seen or no edit can do it."""
    edit = _edit(graph, remedy)
    return remedy if edit is None else dataclasses.replace(remedy, edits=(edit,))


def _edit(graph: ModelGraph, remedy: Remedy) -> Edit | None:
    if remedy.kind == "module-argument":
        return module_edit(graph, remedy.target, remedy.argument, remedy.new)
    operation = graph.by_id.get(remedy.target)
    if operation is None or not _is_call(operation) or remedy.kind == "insert-module":
        return None
    if remedy.kind == "call-argument":
        return call_edit(operation, remedy.argument, remedy.new)
    return _wrapping(graph, operation, remedy)


def module_edit(graph: ModelGraph, path: str, argument: str, value: object) -> ArgumentEdit | None:
    """An edit that builds a module with another argument; None where the call that built it was not seen.

    Args:
        graph: the graph of the model.
        path: path of the module.
        argument: the constructor argument.
        value: its new value.
    """
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
        position=_constructor_position(package, kind, argument),
        exact=False,
    )


def _constructor_position(package: str, kind: type | None, argument: str) -> int | None:
    """The place of a constructor's argument; that of the input's width where the class takes ``*args``."""
    found = _position(kind, argument) if kind is not None else None
    built = (op.built for op in OPS if op.built is not None)
    first = any(package == f"torch.nn.modules.{each.part}" and argument == each.inputs for each in built)
    return 0 if found is None and first else found


def call_edit(operation: Operation, argument: str, value: object) -> ArgumentEdit | None:
    """An edit that makes a call with another argument; None where the function has no such argument.

    ``F.relu(x, inplace=True)`` and ``torch.relu_(x)`` are both recorded as ``relu_``; the edit is of the
    first, and does not fit the second.
    """
    from torch.nn import functional

    name = operation.base_name if argument == "inplace" else operation.name
    setting = operation.op.settings.get(argument)
    position = setting.position if setting is not None else None
    if position is None:
        function = getattr(functional, name, None)
        position = _position(function, argument) if callable(function) else None
    if position is None:
        return None
    assert operation.location is not None
    return ArgumentEdit(
        location=operation.location, callee=name, argument=argument, value=repr(value), position=position
    )


def _wrapping(graph: ModelGraph, operation: Operation, remedy: Remedy) -> WrapEdit | ResampleEdit:
    assert operation.location is not None
    place, callee = operation.location, operation.name
    others = [each for each in operation.operands if each.argument != remedy.argument]
    if ".interpolate({}" in remedy.new and len(others) == 1:
        axes = len(graph.spec(others[0]).shape)
        # The size of the other operand holds for inputs of any size, a number only for this one.
        return ResampleEdit(
            location=place,
            callee=callee,
            operand=remedy.argument,
            reference=others[0].argument,
            first_axis=min(2, axes - 1),
        )
    return WrapEdit(location=place, callee=callee, operand=remedy.argument, expression=remedy.new)


def _is_call(operation: Operation) -> bool:
    place = operation.location
    return operation.kind == "call" and place is not None and place.column is not None and _is_own(place)


def _is_own(place: Location) -> bool:
    """Whether the file is the user's, and not of an installed package."""
    return owner(place.path) == "user"


def _position(callable_: Callable[..., Any], argument: str) -> int | None:
    try:
        names = list(inspect.signature(callable_).parameters)
    except (TypeError, ValueError):
        return None
    return names.index(argument) if argument in names else None
