"""Read ``[tool.skiplint]`` of pyproject.toml, or skiplint.toml, into one typed :class:`Settings`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from skiplint.linting.finding import Severity
from skiplint.linting.registry import Registry
from skiplint.linting.selection import Selection, SelectionError, choose_rules, did_you_mean
from skiplint.sources.paths import shown
from skiplint.targets import ModelConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

parse_toml: Callable[[str], dict[str, Any]] = tomllib.loads
TomlError = tomllib.TOMLDecodeError

OWN_FILE = "skiplint.toml"
PROJECT_FILE = "pyproject.toml"
DEFAULT_TIMEOUT = 120.0
"""Seconds for one model; a model that takes longer most likely never ends."""


class ExitCode(IntEnum):
    """The exit codes of the command line."""

    OK = 0
    """Nothing at or above ``fail-on``."""
    FINDINGS = 1
    """Findings at or above ``fail-on``."""
    ERROR = 2
    """Something that was asked for could not be done."""


class ConfigError(Exception):
    """Settings that cannot be used; ``str()`` is one line that names the file, the key and what is wrong."""

    def __init__(self, source: str, key: str, message: str) -> None:
        """Say in ``message`` what is wrong with ``key`` of the file ``source``; both may be empty."""
        self.source, self.key, self.message = source, key, message
        super().__init__(": ".join(part for part in (source, key, message) if part))


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Everything that can be configured; the fields are the keys of ``[tool.skiplint]``, in kebab-case."""

    select: tuple[str, ...] = ()
    """Rules to run, by code, beginning of codes or name; empty means those that are on by default."""
    extend_select: tuple[str, ...] = ()
    """Rules to run besides."""
    ignore: tuple[str, ...] = ()
    """Rules not to run; the selector that names a rule most exactly wins."""
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    """Rules not to report in files that match a pattern."""
    fail_on: Severity = Severity.WARNING
    """Lowest severity that makes the exit code 1."""
    strict: bool = False
    """Exit with code 2 if a model was skipped because nothing says how to build it."""
    baseline: str | None = None
    """A file with findings that are not reported; relative to the file with the settings."""
    rules: dict[str, dict[str, Any]] = {}
    """Options of rules by name, and ``severity`` to override theirs."""
    models: tuple[ModelConfig, ...] = ()
    """Models to lint or to lint differently: their targets, arguments and inputs."""
    jobs: Annotated[int, msgspec.Meta(ge=0)] | Literal["auto"] = "auto"
    """Maximum number of worker processes; ``auto`` depends on processors and memory, 0 uses none."""
    timeout: Annotated[float, msgspec.Meta(ge=0)] = DEFAULT_TIMEOUT
    """Seconds that a model, or the import of a file, may take; 0 means no limit."""
    memory_limit: str | None = None
    """Memory that a worker process may allocate, such as ``8G``; 0 means no limit. The default is 90% of the
    machine's memory."""
    cache: bool = True
    """Use results of earlier runs, and keep new ones."""
    cache_dir: str | None = None
    """Where results are kept; the default is ``.skiplint_cache`` beside the configuration."""

    @property
    def selection(self) -> Selection:
        """The part that says which rules run."""
        return Selection(self.select, self.extend_select, self.ignore, self.per_file_ignores)


def find_config(start: Path) -> Path | None:
    """The nearest file with settings, from the folder ``start`` upward; None if there is none.

    In one folder, skiplint.toml goes before pyproject.toml.
    """
    for folder in (start, *start.parents):
        own, project = folder / OWN_FILE, folder / PROJECT_FILE
        if own.is_file():
            return own
        if project.is_file() and settings_of(project, _parse(project)) is not None:
            return project
    return None


def search_start(targets: Iterable[str], cwd: Path) -> Path:
    """The folder to search for settings from: the one that holds all targets that are files, else ``cwd``."""
    paths = [cwd / target.partition(":")[0] for target in targets]
    folders = [path if path.is_dir() else path.parent for path in paths if path.exists()]
    if not folders:
        return cwd
    return Path(os.path.commonpath([folder.resolve() for folder in folders]))


def load_settings(path: Path) -> Settings:
    """The settings in ``path``.

    Raises:
        ConfigError: the file is missing or malformed, or holds a key or a value that means nothing.
    """
    return convert_settings(read_table(path), source=shown(path))


def read_table(path: Path) -> dict[str, Any]:
    """The settings in ``path`` as plain values, unchecked; empty where there are none.

    Raises:
        ConfigError: the file is missing or malformed.
    """
    table = dict(settings_of(path, _parse(path)) or {})
    if isinstance(table.get("baseline"), str):
        table["baseline"] = str(path.parent / table["baseline"])  # it stands beside the file that names it
    return table


def convert_settings(table: Mapping[str, Any], *, source: str = "") -> Settings:
    """The settings that a table of plain values stands for.

    Args:
        table: values by the keys of ``[tool.skiplint]``.
        source: the file or variable that they come from, which errors name.

    Raises:
        ConfigError: a key or a value that means nothing.
    """
    _check_keys(table, Settings, source, "")
    models = table.get("models", [])
    if isinstance(models, list):
        for number, model in enumerate(models):
            if isinstance(model, dict):
                _check_keys(model, ModelConfig, source, f"models[{number}].")
    try:
        return msgspec.convert(dict(table), Settings)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        raise ConfigError(source, place.rstrip("`").lstrip("."), _lower_first(message)) from None


def validate_rules(settings: Settings, registry: Registry, *, source: str = "") -> None:
    """Fail unless the rules and options that ``settings`` name exist in ``registry``.

    Raises:
        ConfigError: one does not exist, or an option's value has the wrong type; names ``source``.
    """
    try:
        choose_rules(registry, settings.selection, settings.rules)
    except SelectionError as error:
        raise ConfigError(source, error.key, str(error)) from None


def _check_keys(table: Mapping[str, Any], struct: type[msgspec.Struct], source: str, prefix: str) -> None:
    known: Sequence[str] = struct.__struct_encode_fields__
    for key in table:
        if key not in known:
            # Underscores are the commonest slip, so compare without them.
            hint = did_you_mean(key.replace("_", "-"), known) or f"; known keys: {', '.join(known)}"
            raise ConfigError(source, f"{prefix}{key}", f"unknown key{hint}")


def _parse(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(shown(path), "", f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(shown(path), "", "is not a text file in UTF-8") from None
    except TomlError as error:
        raise ConfigError(shown(path), "", f"is not valid TOML: {error}") from None


def settings_of(path: Path, document: dict[str, Any]) -> dict[str, Any] | None:
    """The table of settings in the parsed file ``path``; None if a pyproject.toml has none.

    Raises:
        ConfigError: ``tool.skiplint`` is no table.
    """
    if path.name != PROJECT_FILE:
        return document
    tool = document.get("tool", {})
    table = tool.get("skiplint") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(shown(path), "tool.skiplint", "is not a table")
    return table


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
