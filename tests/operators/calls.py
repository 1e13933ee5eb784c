"""A call of a torch function as the catalogue wants it, without a trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skiplint.operators import Op, op_of


@dataclass(frozen=True)
class Called:
    """A call by name and arguments; ``None`` stands for a tensor."""

    name: str
    args: tuple[Any, ...] = (None,)
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def op(self) -> Op:
        return op_of(self.name)
