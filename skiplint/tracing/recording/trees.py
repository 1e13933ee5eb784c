"""Tensors inside nested structures: what models take and return, and the arguments of torch functions.

Models take anything: containers, dataclasses, objects (:func:`walk`, :func:`replace`). Torch functions take
lists, tuples, dicts and slices (:func:`tensors_in`, :func:`template`), in the order of the call's operands.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

_LEAVES = (str, bytes, int, float, complex, bool, type(None), torch.dtype, torch.device)
_MAX_DEPTH = 8


def walk(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Yield ``(path, tensor)`` for every tensor in ``value``: containers, dataclasses, plain objects."""
    if isinstance(value, Tensor):
        yield path, value
        return
    if isinstance(value, (*_LEAVES, torch.nn.Module)) or depth > _MAX_DEPTH:
        return
    for name, item in _members(value, path):
        yield from walk(item, name, depth + 1)


def _members(value: Any, path: str) -> list[tuple[str, Any]]:
    """The parts of a structure with their paths."""
    if isinstance(value, Mapping):
        return [(f"{path}[{key!r}]" if path else str(key), item) for key, item in value.items()]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return [(_member(path, name), getattr(value, name)) for name in value._fields]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in dataclasses.fields(value)]
        return [(_member(path, name), getattr(value, name, None)) for name in names]
    if hasattr(value, "__dict__") and not callable(value):
        return [(_member(path, name), item) for name, item in vars(value).items()]
    return []


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def replace(value: Any, change: Callable[[Tensor], Tensor], depth: int = 0) -> Any:
    """Return a copy of ``value`` with ``change`` applied to every tensor; the original stays as it is."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, _LEAVES) or depth > _MAX_DEPTH or isinstance(value, torch.nn.Module):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(replace(item, change, depth + 1) for item in value))
    if isinstance(value, (list, tuple, set)) and type(value) in (list, tuple, set):
        return type(value)(replace(item, change, depth + 1) for item in value)
    if any(True for _ in walk(value, "", depth)):
        return _replace_in_object(value, change, depth)
    return value


def _replace_in_object(value: Any, change: Callable[[Tensor], Tensor], depth: int) -> Any:
    import copy

    twin = copy.copy(value)
    if isinstance(value, Mapping):
        for key, item in list(value.items()):
            twin[key] = replace(item, change, depth + 1)
        return twin
    for name, item in list(vars(value).items()):
        object.__setattr__(twin, name, replace(item, change, depth + 1))
    return twin


def tensors_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """The tensors among the inputs of a model, in the order of its arguments, with repetitions."""
    return [tensor for _, tensor in walk((args, dict(kwargs)))]


def named_inputs(
    forward: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> list[tuple[str, Tensor]]:
    """Return the tensors of a call of ``forward`` with their names: ``x``, ``batch['image']``."""
    try:
        names = [
            (parameter.name, parameter.kind)
            for parameter in inspect.signature(forward).parameters.values()
            if parameter.kind not in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):  # a forward without a Python signature, such as a ScriptModule's
        names = []
    found: list[tuple[str, Tensor]] = []
    for index, value in enumerate(args):
        name = f"args[{index}]"
        if index < len(names) and names[index][1] is not inspect.Parameter.VAR_POSITIONAL:
            name = names[index][0]
        elif names and names[-1][1] is inspect.Parameter.VAR_POSITIONAL:
            name = f"{names[-1][0]}[{index - len(names) + 1}]"
        found.extend(walk(value, name))
    for key, value in kwargs.items():
        found.extend(walk(value, key))
    return found


def tensors_in(*values: Any) -> list[Tensor]:
    """The tensors in arguments or results of a torch function, in the order of its operands."""
    found: list[Tensor] = []
    for value in values:
        _collect(value, found)
    return found


def _collect(value: Any, found: list[Tensor]) -> None:
    if isinstance(value, Tensor):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, found)
    elif isinstance(value, slice):
        for item in (value.start, value.stop, value.step):
            _collect(item, found)


def template(value: Any, path: str, reference: Callable[[str, Tensor], Any]) -> Any:
    """Arguments of a torch function with ``reference(path, tensor)`` in place of each tensor."""
    if isinstance(value, Tensor):
        return reference(path, value)
    if isinstance(value, (list, tuple)):
        items = [template(item, f"{path}[{i}]", reference) for i, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: template(item, f"{path}[{key!r}]", reference) for key, item in value.items()}
    if isinstance(value, slice):
        ends = (value.start, value.stop, value.step)
        return slice(*(template(end, f"{path}.{i}", reference) for i, end in enumerate(ends)))
    return value


def with_tensors(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], tensors: list[Tensor]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call with ``tensors`` in place of its own, in the order of its operands."""
    rest = iter(tensors)

    def following(_: str, __: Tensor) -> Tensor:
        return next(rest)

    changed: tuple[Any, ...] = template(args, "", following)
    return changed, template(dict(kwargs), "", following)
