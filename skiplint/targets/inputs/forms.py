"""The form of an input: a tensor, or a structure of tensors as forward takes it apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from skiplint.targets.inputs.fields import Fields

FormKind = Literal["tensor", "dict", "fields", "tuple", "list"]

_LIST_LENGTH = 2


@dataclass(frozen=True)
class Form:
    """A tensor, or a structure with a form for each of its parts."""

    kind: FormKind = "tensor"
    parts: tuple[tuple[str, Form], ...] = ()
    """Keys, names of attributes, or numbers as text; the only part of a list stands for each of its items."""
    rank: int | None = None
    """The number of axes of the tensor, if it is known."""
    written: tuple[str, ...] = ()
    """Shapes of the tensor as they are written somewhere, such as "b c h w"."""
    record: Callable[..., Any] | None = field(default=None, compare=False)
    """The class of which the structure is an instance, if there is one."""

    def leaves(self, name: str) -> Iterator[tuple[str, Form]]:
        """Yield (name, form) of every tensor in an input called ``name``: ``batch[image]``, ``data.x``."""
        if self.kind == "tensor":
            yield name, self
        for key, part in self.parts:
            yield from part.leaves(self._part_name(name, key))

    def built(self, name: str, make: Callable[[str], Any]) -> Any:
        """Return the structure with ``make(name)`` in place of each tensor."""
        if self.kind == "tensor":
            return make(name)
        made = {key: part.built(self._part_name(name, key), make) for key, part in self.parts}
        if self.record is not None:
            return self.record(**made)
        if self.kind == "dict":
            return made
        if self.kind == "fields":
            return Fields(**made)
        return tuple(made.values()) if self.kind == "tuple" else list(made.values()) * _LIST_LENGTH

    def _part_name(self, name: str, key: str) -> str:
        return f"{name}.{key}" if self.kind == "fields" else f"{name}[{key}]"


def last_part(name: str) -> str:
    """The last word in the name of a tensor: "image" of ``batch[image]``, "state" of ``state[0]``."""
    parts = [part.rstrip("]") for part in name.replace("[", ".").split(".")]
    return next((part for part in reversed(parts) if not part.isdigit() and part != "*"), name)
