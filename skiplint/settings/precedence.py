"""Where settings come from, the strongest first: the command line, the environment, a file, the defaults.

Each source is a table of plain values with the keys of ``[tool.skiplint]``, so that a setting is declared
once, in :class:`~skiplint.settings.settings.Settings`, and every source knows it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_origin

import msgspec

from skiplint.linting.registry import Registry
from skiplint.linting.selection import nearest
from skiplint.settings.settings import (
    ConfigError,
    Settings,
    convert_settings,
    find_config,
    read_table,
    search_start,
    validate_rules,
)
from skiplint.sources.paths import shown

ENVIRONMENT_PREFIX = "SKIPLINT_"
CONFIG_VARIABLE = "SKIPLINT_CONFIG"
"""Names the file to read, as ``--config`` does."""

OriginKind = Literal["default", "file", "environment", "command line"]
COMMAND_LINE = "command line"
_ADDING = ("extend-select", "ignore")
"""Lists that a stronger source adds to; every other value takes the weaker one's place."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set."""

    kind: OriginKind
    name: str = ""
    """The file as people would write it, or the variable."""

    def __str__(self) -> str:
        """Such as ``default``, ``pyproject.toml`` or ``SKIPLINT_SELECT``."""
        return self.name or self.kind


@dataclass(frozen=True)
class Layer:
    """The settings of one source."""

    table: Mapping[str, Any]
    """Plain values by the keys of ``[tool.skiplint]``."""
    kind: OriginKind
    name: str = ""

    def origin(self, key: str) -> Origin:
        """The place where this source sets ``key``."""
        return Origin(self.kind, variable_name(key) if self.kind == "environment" else self.name)


@dataclass(frozen=True)
class Effective:
    """The settings of a run, and where each came from."""

    settings: Settings
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    """By setting, such as ``ignore`` or ``rules.plain-depth.limit``; what is not there is a default."""
    file: Path | None = None
    """The file that was read."""


def effective_settings(
    targets: Iterable[str] = (),
    *,
    config: Path | None = None,
    registry: Registry | None = None,
    command_line: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> Effective:
    """The settings of a run: those of the file, overlaid by the environment's and the command line's.

    Args:
        targets: what is linted; the nearest file is searched from there upward.
        config: the file to read instead; else the variable ``SKIPLINT_CONFIG`` may name it.
        registry: the rules there are; with it, the rules that are named must be among them.
        command_line: what was given by flags, as a table of settings.
        environment: the variables; by default the process's own.
        start: the folder to search from instead of that of the targets.

    Raises:
        ConfigError: a source that cannot be read, or a key or a value in it that means nothing.
    """
    variables = os.environ if environment is None else environment
    config = config_file(targets, config=config, environment=variables, start=start)
    layers = []
    if config is not None:
        layers.append(Layer(read_table(config), "file", shown(config)))
    layers.append(Layer(environment_table(variables), "environment"))
    layers.append(Layer(dict(command_line or {}), "command line"))
    return _combined(layers, config, registry)


def config_file(
    targets: Iterable[str] = (),
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> Path | None:
    """The file with the settings: ``config``, else the one that ``SKIPLINT_CONFIG`` names, else the nearest.

    Args:
        targets: what is linted; the nearest file is searched from there upward.
        config: the file to read, if one is given.
        environment: the variables; by default the process's own.
        start: the folder to search from instead of that of the targets.
    """
    named = (os.environ if environment is None else environment).get(CONFIG_VARIABLE)
    if config is not None or named:
        return config or Path(named or "")
    return find_config(start or search_start(targets, Path.cwd()))


def environment_table(variables: Mapping[str, str]) -> dict[str, Any]:
    """The settings among environment ``variables``; ``SKIPLINT_FAIL_ON=error`` is ``fail-on = "error"``.

    Lists of words are separated by commas; tables and lists of tables are JSON.

    Raises:
        ConfigError: a variable whose value cannot be read, or whose name is almost that of a setting.
    """
    known = {variable_name(item.encode_name): item for item in msgspec.structs.fields(Settings)}
    table: dict[str, Any] = {}
    for name in sorted(variables):
        if not name.startswith(ENVIRONMENT_PREFIX) or name == CONFIG_VARIABLE:
            continue
        if name in known:
            # An empty variable is how shells and CI services spell one that is not set.
            if variables[name].strip():
                table[known[name].encode_name] = _value(name, variables[name], known[name].type)
        elif hint := _meant(name, [*known, CONFIG_VARIABLE]):
            # Others may own variables of this prefix; a slip of the pen must not pass in silence.
            raise ConfigError("environment", name, f"unknown variable{hint}")
    return table


def _meant(name: str, known: Sequence[str]) -> str:
    """A hint at the variable that was meant; they are compared without the prefix, which all share."""
    suffixes = [each.removeprefix(ENVIRONMENT_PREFIX) for each in known]
    near = nearest(name.removeprefix(ENVIRONMENT_PREFIX), suffixes)
    return f", did you mean {ENVIRONMENT_PREFIX + near!r}?" if near else ""


def variable_name(key: str) -> str:
    """The name of the environment variable that sets ``key`` of ``[tool.skiplint]``."""
    return ENVIRONMENT_PREFIX + key.partition(".")[0].upper().replace("-", "_")


def split_words(text: str) -> tuple[str, ...]:
    """The words of a text such as ``SKL1, SKL401``."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The table of settings ``below``, overlaid by the stronger one ``above``.

    ``select`` is the whole selection, so it drops the weaker source's ``extend-select`` and ``ignore``; those
    two add to the weaker source's; tables are merged key by key; any other value replaces the weaker one.
    """
    table = dict(below)
    if above.get("select"):
        for key in _ADDING:
            table.pop(key, None)
    for key, value in above.items():
        there = table.get(key)
        if key in _ADDING and isinstance(there, Sequence):
            table[key] = [*there, *value]
        elif isinstance(value, Mapping) and isinstance(there, Mapping):
            table[key] = {**there, **_merged_tables(there, value)}
        else:
            table[key] = value
    return table


def _merged_tables(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {**below[key], **value}
        if isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        else value
        for key, value in above.items()
    }


def _combined(layers: Sequence[Layer], file: Path | None, registry: Registry | None) -> Effective:
    table: dict[str, Any] = {}
    origins: dict[str, tuple[Origin, ...]] = {}
    settings = Settings()
    for layer in layers:
        if not layer.table:
            continue
        _check(layer, registry)
        above = {key: value for key, value in layer.table.items() if value is not None}
        table = overlaid(table, above)
        settings = convert_settings(table, source=layer.name or layer.kind)
        if above.get("select"):
            origins = {key: places for key, places in origins.items() if key not in _ADDING}
        for key, value in flattened(above):
            before = origins.get(key, ()) if key in _ADDING and value else ()
            origins[key] = (*before, layer.origin(key))
    return Effective(settings, origins, file)


def _check(layer: Layer, registry: Registry | None) -> None:
    """Fail if the settings of one source are wrong, and name it as its user does."""
    source = layer.name or layer.kind
    try:
        settings = convert_settings(layer.table, source=source)
        if registry is not None:
            validate_rules(settings, registry, source=source)
    except ConfigError as error:
        if layer.kind != "environment":
            raise
        head, dot, rest = error.key.partition(".")
        raise ConfigError(variable_name(head), rest if dot else "", error.message) from None


def flattened(table: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The values of a table of settings by dotted keys, down to the options of a rule."""
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        if not isinstance(value, Mapping):
            found.append((key, value))
            continue
        for inner, more in value.items():
            if isinstance(more, Mapping):
                found.extend((f"{key}.{inner}.{option}", each) for option, each in more.items())
            else:
                found.append((f"{key}.{inner}", more))
    return found


def _value(name: str, text: str, kind: Any) -> Any:
    """The plain value that a variable's text stands for, by the type of its setting."""
    origin = get_origin(kind)
    if origin is tuple and kind.__args__[0] is str:
        return list(split_words(text))
    if origin in (tuple, list, dict):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            reason = f"is not valid JSON ({error.msg} at character {error.pos})"
            raise ConfigError("environment", name, reason) from None
    try:
        return msgspec.to_builtins(msgspec.convert(text.strip(), kind, strict=False))
    except msgspec.ValidationError as error:
        message = str(error)
        raise ConfigError("environment", name, message[:1].lower() + message[1:]) from None
