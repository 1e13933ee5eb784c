"""The tensors among the arguments of a call: read them, or put others in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor


def tensors_in_call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """Return the tensors among the arguments of a call, in the order of its operands."""
    found: list[Tensor] = []
    _collect(args, found)
    for value in kwargs.values():
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


def with_tensors(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], tensors: list[Tensor]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call with ``tensors`` in place of its own, in the order of its operands."""
    rest = iter(tensors)

    def following(_: str, __: Tensor) -> Tensor:
        return next(rest)

    changed = tuple(template(item, "", following) for item in args)
    return changed, {key: template(item, "", following) for key, item in kwargs.items()}


def template(value: Any, path: str, reference: Callable[[str, Tensor], Any]) -> Any:
    """Return ``value`` with each tensor in it replaced by ``reference(path, tensor)``.

    Args:
        value: an argument: a tensor, a list, tuple, dict or slice with tensors in it, or anything else.
        path: where the argument stands in the call, such as ``0`` or ``weight``.
        reference: gives the replacement of a tensor at a path such as ``0[1]``.
    """
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
