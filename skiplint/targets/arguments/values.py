"""Whether two sets of arguments are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def key_of(value: Any) -> str:
    """A text that is the same for equal arguments: data by content, objects by class and content."""
    if isinstance(value, Mapping):
        return (
            "{"
            + ",".join(
                f"{key!r}:{key_of(item)}"
                for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))
            )
            + "}"
        )
    if isinstance(value, list | tuple | set | frozenset):
        return f"{type(value).__name__}({','.join(map(key_of, value))})"
    if value is None or isinstance(value, str | int | float | bool | complex | bytes):
        return repr(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return str(value.__qualname__)
    return _of_object(value)


def _of_object(value: Any) -> str:
    from torch import nn

    if isinstance(value, nn.Module):
        shapes = [tuple(parameter.shape) for parameter in value.parameters()]
        return f"{type(value).__qualname__}{hash(tuple(shapes))}"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"{type(value).__name__}{tuple(shape)}"
    held = {
        name: item
        for name, item in getattr(value, "__dict__", {}).items()
        if isinstance(item, str | int | float | bool | list | tuple | dict)
    }
    return f"{type(value).__qualname__}{key_of(held)}"
