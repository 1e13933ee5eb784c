"""Sizes of inputs that a model keeps in attributes or is constructed with, such as ``img_size``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from skiplint.targets.records import ModelTarget

if TYPE_CHECKING:
    from torch import nn

_SIDES = re.compile(
    r"^(img|image|im|input|crop|sample)_?(size|sz|res|resolution|shape)$|^imgsz$|^resolution$|^size$"
)
_HEIGHTS = re.compile(r"^((img|image|input|im)_?)?(h|height)$")
_WIDTHS = re.compile(r"^((img|image|input|im)_?)?(w|width)$")
_LENGTHS = re.compile(
    r"^(seq(uence)?|context|input|block|history|window|num|n|lookback|max_seq|max_sequence)_?"
    r"(len(gth)?|size|frames|steps|timesteps|tokens|window|points|nodes)$|^(lookback|seqlen|n_vars)$"
)
_SAMPLES = re.compile(r"^(num_samples|n_samples|segment_length|segment_size|signal_length|clip_samples)$")
_SETTINGS = ("config", "cfg", "args", "hparams", "params", "opt", "configs", "hp")
_LEAST_SIDE, _LARGEST_SIDE = 16, 2048


def named_sizes(model: nn.Module, arguments: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the sizes that attributes of ``model`` and its modules name, by open size of a template.

    The attributes of the outermost modules come first; those of settings objects such as ``self.config``
    count as the module's own. "W" is set where an image is not square.

    Args:
        model: the model.
        arguments: what its constructor gets, which counts after all attributes.
    """
    found: dict[str, list[int]] = {}
    for name, value in (*_attributes(model), *arguments.items()):
        for symbol, size in _read(name, value):
            sizes = found.setdefault(symbol, [])
            if size not in sizes:
                sizes.append(size)
    return found


def constructed_with(target: ModelTarget) -> dict[str, Any]:
    """The arguments of the constructor by name, defaults included; empty where there is no one call of it."""
    from skiplint.targets.building.arguments import arguments_of

    given = arguments_of(target) if target.constructor is not None else None
    if target.constructor is None or given is None:
        return {}
    try:
        bound = inspect.signature(target.constructor.value).bind(*given[0], **given[1])
    except (TypeError, ValueError):  # No signature, or one that does not say what it takes.
        return {}
    bound.apply_defaults()
    return dict(bound.arguments)


def _attributes(model: nn.Module) -> Iterator[tuple[str, Any]]:
    depth = {name: name.count(".") + 1 if name else 0 for name, _ in model.named_modules()}
    for _, module in sorted(model.named_modules(), key=lambda item: depth[item[0]]):
        for name, value in vars(module).items():
            yield name, value
            if name in _SETTINGS:
                inner = value if isinstance(value, dict) else getattr(value, "__dict__", {})
                yield from ((str(key), item) for key, item in inner.items())


def _read(name: str, value: Any) -> Iterator[tuple[str, int]]:
    sizes = _whole(value)
    if not sizes:
        return
    if _SIDES.match(name):
        sides = [size for size in sizes if _LEAST_SIDE <= size <= _LARGEST_SIDE]
        if len(sides) == 3 and len(set(sides)) == 1:
            yield "V", sides[0]
        if sides:
            yield "S", sides[0] if len(sides) < 2 else sides[-2]
        if len(sides) > 1 and sides[-1] != sides[-2]:
            yield "W", sides[-1]
        return
    if len(sizes) > 1:
        return
    size = sizes[0]
    if _HEIGHTS.match(name) and _LEAST_SIDE <= size <= _LARGEST_SIDE:
        yield "S", size
    elif _WIDTHS.match(name) and _LEAST_SIDE <= size <= _LARGEST_SIDE:
        yield "W", size
    if _LENGTHS.match(name) and size > 1:
        yield "T", size
        yield "L", size
    if _SAMPLES.match(name) and size > 1:
        yield "L", size


def _whole(value: Any) -> list[int]:
    """The whole numbers in an attribute: one, or those of a short tuple."""
    items = list(value) if isinstance(value, list | tuple) else [value]
    if len(items) > 4 or not all(type(item) is int for item in items):
        return []
    return items
