"""What an argument may be: ideas, as data, the likeliest first."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from skiplint.targets.arguments.roles import WHOLE, Role
from skiplint.targets.arguments.uses import Uses

Kind = Literal[
    "constant",
    "whole",
    "real",
    "list",
    "settings",
    "module",
    "modules",
    "callable",
    "instance",
    "arguments",
    "tensor",
]


@dataclass(frozen=True)
class Idea:
    """One thing that an argument may be."""

    kind: Kind
    role: Role | None = None
    """Of a number: what it stands for."""
    value: Any = field(default=None, compare=False)
    """Of a constant: itself. Of a list: ``tuple``, where it is one. Of an instance, a module or a callable:
    its class or the callable. Of arguments: what takes them."""
    shown: str = ""
    """Tells ideas of one kind apart."""
    of: Idea | None = None
    """Of a list: its entries."""
    entries: int = 0
    """Of a list: how many; 0 where nothing says."""


def constant(value: Any) -> Idea:
    """The idea that an argument is ``value``."""
    return Idea("constant", value=value, shown=f"{type(value).__name__} {value!r}")


def number(role: Role | None) -> Idea:
    """A number that plays ``role``."""
    if role in ("flag", "off"):
        return constant(role == "flag")
    return Idea("whole" if role is None or role in WHOLE else "real", role)


def several(of: Idea, entries: int = 0) -> Idea:
    """A list of ``entries`` of such values."""
    return Idea("list", role=of.role, of=of, entries=entries, shown=of.shown)


def of_object(kind: Kind, value: Any) -> Idea:
    """An idea about a class or a callable."""
    return Idea(
        kind, value=value, shown=f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value)}"
    )


SETTINGS = Idea("settings")
_WORDS: dict[str, tuple[str, ...]] = {
    "activation": ("relu", "gelu", "silu", "ReLU"),
    "norm": ("batch", "bn", "layer", "instance", "group", "ln", "none"),
    "pooling": ("mean", "avg", "max", "sum", "cls"),
    "word": ("base", "default", "resnet18", "normal"),
}


def words(role: Role | None) -> list[Idea]:
    """Words that an argument with ``role`` usually takes."""
    return [constant(word) for word in _WORDS.get(role or "word", _WORDS["word"])]


def scalar(role: Role | None, *, real: bool = False) -> Idea:
    """A number that plays ``role``, even where that is the role of a word."""
    if role in ("activation", "norm", "pooling", "word", "path", "device", "dtype"):
        return Idea("real", "ratio") if real else Idea("whole", "width")
    if real:
        return Idea("real", role if role is not None else "ratio")
    return Idea("whole", role if role in WHOLE else None)


# -- annotations --------------------------------------------------------------------------------------


def annotated(annotation: Any, role: Role | None, uses: Uses) -> Iterator[Idea]:
    """What an annotation says of an argument; nothing where it says nothing."""
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    kind = _kind(annotation)
    if annotation in (inspect.Parameter.empty, Any, object) or isinstance(annotation, str | typing.TypeVar):
        return
    if origin is typing.Annotated:
        yield from annotated(inside[0], role, uses)
    elif origin in (typing.Union, types.UnionType):
        yield from _union(inside, role, uses)
    elif origin is Literal:
        yield from map(constant, inside)
    elif kind in (type, collections.abc.Callable, typing.Callable):
        yield from _of_callable(inside)
    elif _is_listing(kind):
        yield from _listing(kind, inside, role, uses)
    elif kind in (dict, collections.abc.Mapping, collections.abc.MutableMapping):
        yield SETTINGS
    elif annotation in (None, type(None), bool, int, float, str):
        yield from _of_builtin(annotation, role, uses)
    elif inspect.isclass(annotation):
        yield from _of_class(annotation, role, uses)


def _of_callable(inside: tuple[Any, ...]) -> Iterator[Idea]:
    """A module class for ``type[Block]``; ``type[nn.Module]`` says no more than the name."""
    from torch import nn

    bound = inside[0] if inside and inspect.isclass(inside[0]) else None
    if bound is not None and bound is not nn.Module and issubclass(bound, nn.Module):
        yield of_object("callable", bound)


def _of_builtin(annotation: Any, role: Role | None, uses: Uses) -> Iterator[Idea]:
    if annotation in (None, type(None)):
        yield constant(None)
    elif annotation is bool:
        yield constant(role == "flag")
        yield constant(role != "flag")
    elif annotation is str:
        yield from _chosen(uses, str)
        yield from words(role)
    else:
        yield scalar(role, real=annotation is float)


def _of_class(cls: type, role: Role | None, uses: Uses) -> Iterator[Idea]:
    import torch
    from torch import nn

    if cls is torch.dtype:
        yield constant(torch.float32)
    elif cls is torch.device:
        yield Idea("constant", "device")
    elif cls is torch.Tensor:
        yield Idea("tensor", role)
    elif cls is torch.Size:
        yield several(scalar(role), uses.entries)
    elif issubclass(cls, enum.Enum):
        yield from map(constant, cls)
    elif issubclass(cls, nn.ModuleList | nn.Sequential):
        yield of_object("modules", cls)
    elif issubclass(cls, nn.Module):
        if cls is not nn.Module:
            yield of_object("module", cls)
    elif cls.__module__ not in ("builtins", "typing"):
        yield of_object("instance", cls)


def _union(options: tuple[Any, ...], role: Role | None, uses: Uses) -> Iterator[Idea]:
    """One option after the other; a list only first where the value is used as one; None last."""
    given = [each for each in options if each not in (None, type(None))]
    given.sort(key=lambda each: _is_listing(_kind(each)) != (uses.sequence and not uses.types))
    for each in given:
        yield from annotated(each, role, uses)
    if len(given) < len(options):
        yield constant(None)


def _kind(annotation: Any) -> Any:
    origin = typing.get_origin(annotation)
    return annotation if origin is None else origin


def _is_listing(kind: Any) -> bool:
    known = (list, tuple, set, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
    return kind in known


def _listing(kind: Any, inside: tuple[Any, ...], role: Role | None, uses: Uses) -> Iterator[Idea]:
    if kind is tuple and inside and inside[-1] is not Ellipsis:
        parts = [next(annotated(each, role, Uses()), scalar(role)) for each in inside]
        if all(part == parts[0] for part in parts):
            yield replace(several(parts[0], len(parts)), value=tuple)
        return
    element = inside[0] if inside else int
    found = next(annotated(element, role, Uses()), None)
    from torch import nn

    if found is None and inspect.isclass(element) and issubclass(element, nn.Module):
        yield of_object("modules", nn.ModuleList)
        return
    yield replace(several(found or scalar(role), uses.entries), value=tuple if kind is tuple else list)


def _chosen(uses: Uses, kind: type | tuple[type, ...]) -> Iterator[Idea]:
    seen = dict.fromkeys(each for each in uses.choices if isinstance(each, kind))
    yield from map(constant, seen)


# -- uses ---------------------------------------------------------------------------------------------


def used(role: Role | None, uses: Uses, element: Iterable[Idea]) -> Iterator[Idea]:
    """What the code around an argument takes it for, where it has no telling annotation.

    Args:
        role: what its name says.
        uses: what the code does with it.
        element: ideas of the entries, where it is a list.
    """
    choices = list(dict.fromkeys(each for each in uses.choices if isinstance(each, str)))
    asked = [each for each in uses.types if inspect.isclass(each)]
    if any(isinstance(each, tuple) for each in choices):
        return
    if choices and not uses.called:
        yield from map(constant, choices)
    if uses.called or uses.spread:
        return
    if uses.sequence and not asked:
        if uses.keys:
            yield SETTINGS
        entries = list(element) or [number(role) if role in WHOLE else scalar(role, real=role == "rate")]
        yield several(entries[0], uses.entries)
        for each in entries[1:3]:
            yield several(each, uses.entries)
    elif uses.keys or (uses.attributes and not uses.calculated):
        yield SETTINGS
    elif uses.text and not choices:
        yield from words(role)


def plain(role: Role | None, uses: Uses) -> Iterator[Idea]:
    """What the name of an argument says, in the kinds that a plain value can have."""
    if role in ("activation", "norm", "pooling", "word"):
        yield from words(role)
    elif role == "path":
        yield constant(None)
    elif role == "dtype":
        import torch

        yield constant(torch.float32)
    elif role == "device":
        yield Idea("constant", "device")
    elif role in ("off", "flag") and not uses.calculated and not uses.counted:
        yield constant(role == "flag")
        yield constant(role != "flag")
        return
    elif role is not None:
        yield number(role)
    elif uses.tested and not uses.calculated and not uses.arguments:
        yield constant(False)
        yield constant(True)
    yield Idea("whole", None)
    yield several(Idea("whole", role if role in WHOLE else None), uses.entries)


def is_settings_class(cls: type) -> bool:
    """Whether instances of ``cls`` hold settings: dataclasses, named tuples, pydantic and attrs classes."""
    return (
        dataclasses.is_dataclass(cls)
        or hasattr(cls, "__attrs_attrs__")
        or hasattr(cls, "model_fields")
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
    )
