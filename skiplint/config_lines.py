"""On which line of a file each setting stands; readers of TOML do not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from skiplint.config import TomlError, parse_toml, settings_of


def lines_of_keys(path: Path) -> dict[str, int]:
    """The line, from 1 on, on which each setting of ``path`` begins, by its dotted key.

    The reader of TOML itself says where a statement ends: where the lines since the last end can be read. So
    strings and arrays over many lines, dotted keys and tables need no second reader, a worse one.
    """
    found: dict[str, int] = {}
    header = chunk = ""
    begin = 1
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), start=1):
        if not chunk and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begin = begin if chunk else number
        chunk += line
        try:
            parse_toml(chunk)
        except TomlError:
            continue  # In the middle of a statement.
        is_header = chunk.lstrip().startswith("[")
        header = chunk if is_header else header
        document = parse_toml(chunk if is_header else header + chunk)
        for key in _keys(settings_of(path, document) or {}):
            found.setdefault(key, begin)
        chunk = ""
    return found


def _keys(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")
