"""Skip connections: where they start and join, of which kind they are, and what their shortcuts carry."""

from __future__ import annotations

from skiplint.analysis.skips.find import Connection, ShortcutKind, Skip, SkipKind, Skips, find_skips

__all__ = ["Connection", "ShortcutKind", "Skip", "SkipKind", "Skips", "find_skips"]
