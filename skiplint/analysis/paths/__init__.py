"""Paths from the inputs to the outputs: how many there are, how long, and what lies on them."""

from __future__ import annotations

from skiplint.analysis.paths.distribution import Paths

__all__ = ["Paths"]
