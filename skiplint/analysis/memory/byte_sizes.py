"""Bytes as people write and read them."""

from __future__ import annotations

import re

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_FACTORS = {
    "": 1,
    "b": 1,
    **{unit: 1024**power for power, unit in enumerate("kmgt", 1)},
    **{f"{unit}ib": 1024**power for power, unit in enumerate("kmgt", 1)},
    **{f"{unit}b": 1000**power for power, unit in enumerate("kmgt", 1)},
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")


def byte_size(count: float) -> str:
    """Bytes as people read them, such as ``3.2 MiB``."""
    for unit in _UNITS[:-1]:
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} {_UNITS[-1]}"


def parse_bytes(text: str) -> int:
    """The number of bytes that ``16GiB``, ``16G``, ``500 MB`` or ``1000`` stand for.

    Raises:
        ValueError: it is none of these, or nothing.
    """
    match = _SIZE.fullmatch(text)
    factor = _FACTORS.get(match[2].lower()) if match else None
    if match is None or factor is None or not float(match[1]):
        raise ValueError(f"{text!r} is no size in bytes such as 16GiB or 500MB")
    return int(float(match[1]) * factor)
