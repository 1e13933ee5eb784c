"""How much memory other ways to write a chain of concatenations save, measured by running them."""

from __future__ import annotations

from skiplint.analysis.memory.rewriting.branches import Branch, Branches, Join
from skiplint.analysis.memory.rewriting.savings import Remedy, Rewriter, Saving

__all__ = ["Branch", "Branches", "Join", "Remedy", "Rewriter", "Saving"]
