"""Skip connections in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

_KINDS = ("additive", "concatenative", "gated")


class Kinds(Protocol):
    """What is counted of a skip."""

    @property
    def kind(self) -> str:
        """additive, concatenative or gated."""

    @property
    def shortcut(self) -> str:
        """Identity or projection."""


def skip_counts(skips: Iterable[Kinds]) -> str:
    """Such as ``16 additive (12 identity, 4 projection), 4 concatenative (4 identity)``."""
    found = Counter((skip.kind, skip.shortcut) for skip in skips)
    parts = []
    for kind in _KINDS:
        shortcuts = {name: number for (each, name), number in found.items() if each == kind}
        if shortcuts:
            split = ", ".join(f"{number} {name}" for name, number in sorted(shortcuts.items()))
            parts.append(f"{sum(shortcuts.values())} {kind} ({split})")
    return ", ".join(parts) or "none"
