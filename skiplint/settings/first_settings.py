"""Write the first settings of a project as TOML, into a new file or into one that holds other text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiplint.settings.settings import (
    PROJECT_FILE,
    ConfigError,
    TomlError,
    parse_toml,
    settings_of,
)
from skiplint.settings.toml_lines import without_settings
from skiplint.sources.paths import shown


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that needs an entry of its own."""

    lines: tuple[str, ...]
    """Keys and values, such as ``target = "nets.py:Net"``; none where no entry can help."""
    works: bool
    """Whether the model runs with it; if not, it is written as a comment."""
    remark: str
    """A sentence for the reader of the file."""


def settings_text(entries: Sequence[ModelEntry], *, prefix: str, newline: str = "\n") -> str:
    """The text of first settings.

    Args:
        entries: models that need an entry of their own.
        prefix: the table that holds the settings: ``tool.skiplint``, or empty in skiplint.toml.
        newline: how lines end.
    """
    header = [f"[{prefix}]"] if prefix else []
    lines = [
        *header,
        "# The least severity that makes the exit code 1: error, warning or info.",
        'fail-on = "warning"',
    ]
    for entry in entries:
        table = f"[[{prefix}.models]]" if prefix else "[[models]]"
        mark = "" if entry.works else "# "
        remark = textwrap.wrap(entry.remark, 100, break_long_words=False, break_on_hyphens=False)
        written = (table, *entry.lines) if entry.lines else ()
        lines += ["", *(f"# {line}" for line in remark), *(f"{mark}{line}" for line in written)]
    return "".join(f"{line}{newline}" for line in lines)


def with_settings(path: Path, old: str, entries: Sequence[ModelEntry]) -> str:
    """The text of the file ``path`` with first settings; they replace those in ``old``, and the rest stays.

    Args:
        path: pyproject.toml or skiplint.toml, which tells where settings go.
        old: its text; empty for a new file.
        entries: models that need an entry of their own.

    Raises:
        ConfigError: the file is no TOML, or is written so that nothing can be added to it.
    """
    if path.name != PROJECT_FILE:
        return settings_text(entries, prefix="")
    newline = "\r\n" if "\r\n" in old else "\n"
    before = _parsed(path, old)
    kept = old if settings_of(path, before) is None else without_settings(path, old)
    gap = "" if not kept or kept.endswith(newline * 2) else newline if kept.endswith("\n") else newline * 2
    text = kept + gap + settings_text(entries, prefix="tool.skiplint", newline=newline)
    if _others(_parsed(path, text)) != _others(before):
        raise ConfigError(shown(path), "tool.skiplint", "cannot be replaced here; edit the file by hand")
    return text


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except TomlError as error:
        raise ConfigError(shown(path), "", f"is not valid TOML: {error}") from None


def _others(document: dict[str, Any]) -> dict[str, Any]:
    tool = {key: value for key, value in document.get("tool", {}).items() if key != "skiplint"}
    rest = {key: value for key, value in document.items() if key != "tool"}
    return {**rest, "tool": tool}
