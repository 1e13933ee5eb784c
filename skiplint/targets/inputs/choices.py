"""Values for one parameter of forward: tensors, constants, and structures of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
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


def in_step(choices: list[list[Choice]]) -> tuple[Choice, ...] | None:
    """One choice for each parameter, with the sequences among them of one length; None for fewer than two.

    What belongs to the steps of a sequence, such as their times, is as long as the sequence itself.
    """
    found = [
        next((same for choice in options if (same := _sequence(choice)) is not None), None)
        for options in choices
    ]
    if sum(each is not None for each in found) < 2:
        return None
    return tuple(each or options[0] for each, options in zip(found, choices, strict=True))


def _sequence(choice: Choice) -> Choice | None:
    """The choice, if it is of vectors in a row, with the number of them open."""
    value = choice.value
    if not isinstance(value, Template) or len(value.shape) != 3:
        return None
    batch, length, width = value.shape
    if batch != "B" or length not in ("T", "L") or not isinstance(width, int):
        return None
    return Choice(replace(value, shape=(batch, "T", width)))


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
