"""Fingerprints of findings, which stay the same from run to run when lines move."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from skiplint.reporting.grouping import FindingGroup
from skiplint.reporting.source import source_line


def fingerprints(groups: Sequence[FindingGroup]) -> list[str]:
    """A different fingerprint for each of ``groups``: 32 hexadecimal digits.

    Computed from the rule, the file and the text of the line, not its number; equal findings at equal lines
    are numbered in their order.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    digests = []
    for group in groups:
        key = _identity(group)
        digests.append(_digest((*key, str(seen[key]))))
        seen[key] += 1
    return digests


def _identity(group: FindingGroup) -> tuple[str, ...]:
    finding = group.first
    place = finding.location
    text = " ".join(source_line(place).split()) if place else ""
    # Without a line to go by, what was said and of which model is the next best.
    rest = (text,) if text else (finding.message, finding.model or "")
    return (finding.code, place.path if place else "", *rest)


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
