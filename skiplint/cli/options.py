"""Options that several commands share: single ones, and groups that commands take as one object.

Every option is declared once: as a field of a group or, where several groups have it, as a type here. The
group of one command stands in the module that carries it out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from skiplint.cli.completion import complete_rules
from skiplint.cli.failures import UsageError
from skiplint.linting.finding import Severity
from skiplint.settings.precedence import split_words
from skiplint.settings.settings import Settings
from skiplint.sources.field_docs import field_docs

SELECTING = "Which rules"
FIXING = "Fixes"
OUTPUT = "Output"
MODELS = "Which models"
RUNNING = "How models are run"

_SETTINGS = field_docs(Settings)


class OutputFormat(str, Enum):
    """How the report is written."""

    CONSOLE = "console"
    CONCISE = "concise"
    JSON = "json"
    JSONLINES = "jsonlines"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    JUNIT = "junit"
    MARKDOWN = "markdown"


class ListFormat(str, Enum):
    """How a list is written."""

    CONSOLE = "console"
    JSON = "json"


class Color(str, Enum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def option(panel: str, text: str, *names: str, **more: Any) -> Any:
    """An option with a help text, in a panel of ``--help``. Without ``names`` it is named after its field."""
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


def of_setting(name: str) -> str:
    """The help of the option that overrides a setting: the setting's documentation, and its default."""
    default = msgspec.to_builtins(getattr(Settings(), name))
    shown = f"{default:g}" if isinstance(default, float) else default
    return _SETTINGS[name] if default is None else f"{_SETTINGS[name]}  [default: {shown}]"


Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET", help="Files, folders, `file.py:Name`, `package.module:name`, or saved programs."
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file; by default the nearest skiplint.toml or pyproject.toml.",
    ),
]
AsList = Annotated[ListFormat, option(OUTPUT, "How to write the result.", "--output-format")]
OutputFile = Annotated[
    Path | None,
    option(OUTPUT, "Write to this file instead of stdout.", "--output-file", "-o", metavar="FILE"),
]
WhenColor = Annotated[
    Color,
    option(OUTPUT, "When to use colour; NO_COLOR and FORCE_COLOR are respected.", "--color"),
]
Verbose = Annotated[
    bool,
    option(OUTPUT, "Show tracebacks and every detail.", "--verbose", "-v"),
]


@dataclass(frozen=True)
class ModelArguments:
    """What the models are built with."""

    args: Annotated[
        str,
        option(MODELS, "Positional arguments to build the model with, such as '[18]'.", metavar="JSON"),
    ] = ""
    kwargs: Annotated[
        str,
        option(
            MODELS, "Keyword arguments to build the model with, such as '{\"depth\": 18}'.", metavar="JSON"
        ),
    ] = ""

    def parsed(self) -> tuple[list[Any], dict[str, Any]]:
        """The positional and the keyword arguments.

        Raises:
            UsageError: an option is not JSON, or not a list or an object.
        """
        positional = _parse("--args", self.args, list, "a JSON list such as '[18]'")
        named = _parse("--kwargs", self.kwargs, dict, "a JSON object such as '{\"depth\": 18}'")
        return positional, named


def _rules(text: str) -> Any:
    return option(SELECTING, text, metavar="RULES", autocompletion=complete_rules)


@dataclass(frozen=True)
class RuleSelection:
    """Which rules run."""

    select: Annotated[
        list[str],
        _rules("Run only these rules: codes, beginnings of codes, names or ALL, separated by commas."),
    ] = field(default_factory=list)
    extend_select: Annotated[list[str], _rules("Also run these rules.")] = field(default_factory=list)
    ignore: Annotated[list[str], _rules("Do not run these rules.")] = field(default_factory=list)

    def settings(self) -> dict[str, Any]:
        """A table of the settings that were given as options."""
        lists = {"select": self.select, "extend-select": self.extend_select, "ignore": self.ignore}
        return {
            key: [word for value in values for word in split_words(value)]
            for key, values in lists.items()
            if values
        }


@dataclass(frozen=True)
class RuleSettings(RuleSelection):
    """Which rules run, and which findings make the command fail."""

    fail_on: Annotated[
        Severity | None,
        option(SELECTING, of_setting("fail_on")),
    ] = None
    strict: Annotated[bool, option(SELECTING, _SETTINGS["strict"], "--strict")] = False

    def settings(self) -> dict[str, Any]:
        """A table of the settings that were given as options."""
        table = super().settings()
        if self.fail_on is not None:
            table["fail-on"] = self.fail_on.value
        if self.strict:
            table["strict"] = True
        return table


def _parse(name: str, text: str, kind: type, wanted: str) -> Any:
    try:
        value = json.loads(text) if text else kind()
    except json.JSONDecodeError as error:
        place = f"{error.msg} at character {error.pos}"
        raise UsageError(f"{name} is not valid JSON ({place}); give {wanted}") from None
    if not isinstance(value, kind):
        raise UsageError(f"{name} must be {wanted}")
    return value
