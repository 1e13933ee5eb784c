"""On which lines of a file its settings are; parsers of TOML do not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiplint.settings.settings import TomlError, parse_toml, settings_of


@dataclass(frozen=True, slots=True)
class Statement:
    """A header of a table, or a key and its value."""

    begin: int
    """Its first line, from 1 on."""
    end: int
    """Its last line."""
    keys: tuple[str, ...]
    """The settings of skiplint that it begins or sets, dotted; empty if it sets something else."""
    settings: bool
    """Whether it belongs to skiplint's settings."""


def statements(path: Path, text: str) -> Iterator[Statement]:
    """The statements of the TOML file ``path`` with this text, which must be valid.

    A statement ends where the lines since the end of the last one can be parsed. So strings and arrays over
    many lines, dotted keys and tables need no parser of our own.
    """
    header = chunk = ""
    begin = 1
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
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
        table = settings_of(path, parse_toml(chunk if is_header else header + chunk))
        yield Statement(begin, number, tuple(_keys(table or {})), table is not None)
        chunk = ""


def lines_of_keys(path: Path) -> dict[str, int]:
    """The line on which each setting of ``path`` begins, by its dotted key."""
    found: dict[str, int] = {}
    for statement in statements(path, path.read_text(encoding="utf-8")):
        for key in statement.keys:
            found.setdefault(key, statement.begin)
    return found


def without_settings(path: Path, text: str) -> str:
    """``text`` without skiplint's settings and the comments among them; all else stays as it is.

    Comments right above what comes next, with no empty line between, belong to that and stay.
    """
    lines = text.splitlines(keepends=True)
    dropped: set[int] = set()
    inside = False
    last = 0
    for statement in [*statements(path, text), Statement(len(lines) + 1, len(lines) + 1, (), settings=False)]:
        if inside:
            between = range(last + 1, statement.begin)
            blank = max((n for n in between if not lines[n - 1].strip()), default=last)
            at_end = statement.begin > len(lines)
            dropped.update(between if statement.settings or at_end else range(last + 1, blank + 1))
        if statement.settings:
            dropped.update(range(statement.begin, statement.end + 1))
        inside, last = statement.settings, statement.end
    return "".join(line for number, line in enumerate(lines, start=1) if number not in dropped)


def _keys(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")
