"""How a report looks at the reader's terminal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """Colour, width and detail; the machine formats ignore all three."""

    color: bool = False
    width: int = 100
    verbosity: int = 0
    """-1 for findings only, 0 for the usual, 1 for everything."""
    failures: bool = True
    """Whether to show what failed; not where it is said on stderr beside the report."""
