"""``skiplint config``: the settings in effect, and where each was set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import typer
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from skiplint.cli import options, output
from skiplint.linting.registry import load_registry
from skiplint.linting.selection import choose_rules
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import to_text
from skiplint.settings.precedence import Effective, Origin, effective_settings, flattened
from skiplint.settings.schema import schema_text
from skiplint.settings.settings import Settings
from skiplint.settings.toml_lines import lines_of_keys


def config(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="[TARGET]...", help="Show the settings that these would be linted with."),
    ] = [],  # noqa: B006 - typer copies it
    *,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema", help="Print a JSON Schema of the settings, with the rules of the installed packs."
        ),
    ] = False,
    rules: options.RuleSettings,
    output_format: options.AsList = options.ListFormat.CONSOLE,
    color: options.WhenColor = options.Color.AUTO,
    config: options.ConfigFile = None,
) -> None:
    """Show the settings in effect, and where each was set.

    The command line overrides environment variables (`SKIPLINT_FAIL_ON=error`), which override the nearest
    `skiplint.toml` or `pyproject.toml`, which overrides the defaults.

    **Examples**

    `skiplint config`

    `skiplint config src/nets --select SKL2 --output-format json`

    `skiplint config --schema > skiplint.schema.json`
    """
    registry = load_registry()
    if schema:
        output.emit(schema_text(registry), None)
        return
    found = effective_settings(targets, config=config, registry=registry, command_line=rules.settings())
    chosen = choose_rules(registry, found.settings.selection, found.settings.rules)
    lines = lines_of_keys(found.file) if found.file else {}
    view = _View(found, [rule.code for rule in chosen], lines)
    if output_format is options.ListFormat.JSON:
        output.emit(json.dumps(view.to_dict(), indent=2) + "\n", None)
    else:
        output.emit(view.table(output.style_for(color, file=None)), None)


@dataclass(frozen=True)
class _View:
    """The settings to show, as a table or for JSON."""

    effective: Effective
    rules: list[str]
    lines: Mapping[str, int]

    @property
    def rows(self) -> list[tuple[str, Any, tuple[Origin, ...]]]:
        """Key, plain value and sources of each setting; options of a rule have rows of their own."""
        values: dict[str, Any] = msgspec.to_builtins(self.effective.settings)
        found = []
        for field in msgspec.structs.fields(Settings):
            key = field.encode_name
            parts = flattened({key: values[key]}) or [(key, values[key])]
            default = (Origin("default"),)
            found += [(part, value, self.effective.origins.get(part, default)) for part, value in parts]
        return found

    def places(self, origins: tuple[Origin, ...], key: str) -> list[dict[str, Any]]:
        """The sources of a setting as plain values, with the line of the file if it is known."""
        return [
            {
                "kind": origin.kind,
                "name": origin.name or None,
                "line": self.lines.get(key) if origin.kind == "file" else None,
            }
            for origin in origins
        ]

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return {
            "file": str(self.effective.file) if self.effective.file else None,
            "settings": {
                key: {"value": value, "from": self.places(origins, key)} for key, value, origins in self.rows
            },
            "rules": self.rules,
        }

    def table(self, style: Style) -> str:
        """The settings as a table for the console."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for heading in ("setting", "value", "from"):
            table.add_column(heading, overflow="fold")
        for key, value, origins in self.rows:
            places = ", ".join(_shown(place) for place in self.places(origins, key))
            style_of = "dim" if origins == (Origin("default"),) else ""
            table.add_row(Text(key, style_of), Text(_toml(value), style_of), Text(places, style_of))
        rules = f"{len(self.rules)} rules run: {', '.join(self.rules)}" if self.rules else "no rule runs"
        return to_text(Group(table, Text(), Text(rules)), style)


def _shown(place: dict[str, Any]) -> str:
    name = place["name"] or place["kind"]
    return f"{name}:{place['line']}" if place["line"] else str(name)


def _toml(value: Any) -> str:
    # JSON and TOML agree on everything that settings are made of, but for tables, which stand on lines of
    # their own or in entries of `models`.
    return json.dumps(value)
