"""An input whose parts forward reads as attributes, such as ``data.x`` and ``data.edge_index``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Fields(SimpleNamespace):
    """Stands in for a batch object of any library: its parts are attributes, and entries as well."""

    def __getitem__(self, name: str) -> Any:
        """The part called ``name``."""
        return getattr(self, name)

    def __contains__(self, name: str) -> bool:
        """Whether there is a part called ``name``."""
        return name in vars(self)

    def keys(self) -> list[str]:
        """The names of its parts."""
        return list(vars(self))

    def get(self, name: str, default: Any = None) -> Any:
        """The part called ``name``, or ``default``."""
        return getattr(self, name, default)

    def to(self, *_: Any, **__: Any) -> Fields:
        """Itself: its tensors are where the model is."""
        return self
