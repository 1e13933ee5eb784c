"""Values for one parameter of forward: tensors, constants, and structures of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from skiplint.targets.inputs.fields import Fields
from skiplint.targets.inputs.templates import Template


@dataclass(frozen=True)
class Choice:
    """One way to fill a parameter: a template, a constant, or a list, tuple, dict or object of such."""

    value: Any

    @property
    def symbols(self) -> set[str]:
        """The open sizes of its templates."""
        return set().union(*(template.symbols for template in _templates(self.value)), set())

    @property
    def why(self) -> str:
        """The reason for it, in words."""
        return next((template.why for template in _templates(self.value)), "")

    def make(self, sizes: Mapping[str, int], seed: int) -> Any:
        """Return the value for given sizes; ``seed`` is that of the first tensor."""
        seeds = iter(range(seed, seed + 1000))
        return rebuilt(self.value, lambda template: template.plan(sizes).make(next(seeds)))

    def toml(self) -> Any:
        """Return the choice as it is written in the configuration."""
        return _written(self.value)


def one(template: Template) -> Choice:
    """Return the choice of one tensor."""
    return Choice(template)


def several(templates: list[Template]) -> Choice:
    """Return the choice of a list of tensors."""
    return Choice(list(templates))


def constant(value: Any) -> Choice:
    """Return the choice of a value that is no tensor."""
    return Choice(value)


def rebuilt(value: Any, make: Callable[[Template], Any]) -> Any:
    """Return the structure with ``make(template)`` in place of each template."""
    if isinstance(value, Template):
        return make(value)
    if isinstance(value, dict):
        return {key: rebuilt(item, make) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(rebuilt(item, make) for item in value))
    if isinstance(value, list | tuple):
        return type(value)([rebuilt(item, make) for item in value])
    if not _named_parts(value):
        return value
    twin = copy.copy(value)
    for name, item in _named_parts(value).items():
        object.__setattr__(twin, name, rebuilt(item, make))  # of a frozen dataclass as well
    return twin


def _named_parts(value: Any) -> dict[str, Any]:
    """The parts of a structure that have names; none of a list or a constant."""
    if isinstance(value, dict):
        return value
    if isinstance(value, Fields) or (is_dataclass(value) and not isinstance(value, Template | type)):
        return vars(value)
    return {}


def _templates(value: Any) -> Iterator[Template]:
    if isinstance(value, Template):
        yield value
        return
    for item in value if isinstance(value, list | tuple) else _named_parts(value).values():
        yield from _templates(item)


def _written(value: Any) -> Any:
    if value is None:
        return "..."
    if isinstance(value, Template):
        return _written_shape(value)
    if isinstance(value, list | tuple):
        return {"list": [_written(item) for item in value]}
    parts = _named_parts(value)
    if parts:
        return {key: _written(item) for key, item in parts.items()}
    return value if isinstance(value, bool | int | float | str) else "..."


def _written_shape(template: Template) -> Any:
    names = {"S": ["H", "W", "D"], "V": ["D", "H", "W"]}
    shape: list[Any] = []
    for size in template.shape:
        spelled = names.get(str(size))
        shape.append(spelled.pop(0) if spelled else size)
    if template.dtype == "float32":
        return shape
    written: dict[str, Any] = {"shape": shape, "dtype": template.dtype}
    return {**written, "high": template.high} if isinstance(template.high, int) else written
