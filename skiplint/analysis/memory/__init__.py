"""Memory of the activations: at the peak, kept for backward, and in concatenations."""

from __future__ import annotations

from skiplint.analysis.memory.totals import Memory

__all__ = ["Memory"]
