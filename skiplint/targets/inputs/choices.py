"""Values for one parameter of forward: a tensor, a list or dictionary of tensors, or a constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from skiplint.targets.inputs.templates import Template


@dataclass(frozen=True)
class Choice:
    """One way to fill a parameter."""

    form: Literal["one", "list", "dict", "constant"]
    parts: tuple[tuple[str, Template], ...] = ()
    constant: Any = None

    @property
    def symbols(self) -> set[str]:
        """The open sizes of its templates."""
        return set().union(*(template.symbols for _, template in self.parts)) if self.parts else set()

    @property
    def why(self) -> str:
        """The reason for it, in words."""
        return self.parts[0][1].why if self.parts else ""

    def make(self, sizes: Mapping[str, int], seed: int) -> Any:
        """Return the value for given sizes; ``seed`` is that of the first tensor."""
        if self.form == "constant":
            return self.constant
        made = [template.plan(sizes).make(seed + index) for index, (_, template) in enumerate(self.parts)]
        if self.form == "dict":
            return dict(zip((key for key, _ in self.parts), made, strict=True))
        return made if self.form == "list" else made[0]

    def toml(self) -> Any:
        """Return the choice as it is written in the configuration."""
        if self.form == "constant":
            return "..." if self.constant is None else self.constant
        written = [_written(template) for _, template in self.parts]
        if self.form == "dict":
            return dict(zip((key for key, _ in self.parts), written, strict=True))
        return {"list": written} if self.form == "list" else written[0]


def one(template: Template) -> Choice:
    """Return the choice of one tensor."""
    return Choice("one", (("", template),))


def several(templates: list[Template]) -> Choice:
    """Return the choice of a list of tensors."""
    return Choice("list", tuple((str(index), template) for index, template in enumerate(templates)))


def constant(value: Any) -> Choice:
    """Return the choice of a value that is no tensor."""
    return Choice("constant", constant=value)


def _written(template: Template) -> Any:
    names = {"S": ["H", "W", "D"], "V": ["D", "H", "W"]}
    shape: list[Any] = []
    for size in template.shape:
        spelled = names.get(str(size))
        shape.append(spelled.pop(0) if spelled else size)
    if template.dtype == "float32":
        return shape
    written: dict[str, Any] = {"shape": shape, "dtype": template.dtype}
    return {**written, "high": template.high} if template.high else written
