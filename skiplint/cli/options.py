"""Options that several commands share, each declared once."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from skiplint.cli.completion import complete_rules
from skiplint.cli.failures import UsageError
from skiplint.linting.finding import Severity
from skiplint.settings.precedence import split_words

SELECTING = "Which rules"
FIXING = "Fixes"
OUTPUT = "Output"
MODELS = "Which models"
RUNNING = "How models are run"


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


def _complete_output(incomplete: str) -> list[str]:
    """Formats, with the colon behind which the shell completes the file."""
    return [f"{each.value}:" for each in OutputFormat if f"{each.value}:".startswith(incomplete)]


class Color(str, Enum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET",
        help="Files, folders, `file.py:Name`, `package.module:name`, or saved programs.",
        show_default=False,
    ),
]
Args = Annotated[
    str,
    typer.Option(
        metavar="JSON", help="Positional arguments to build the model with.", rich_help_panel=MODELS
    ),
]
Kwargs = Annotated[
    str,
    typer.Option(
        metavar="JSON",
        help="Keyword arguments to build the model with, such as '{\"depth\": 18}'.",
        rich_help_panel=MODELS,
    ),
]
Select = Annotated[
    list[str],
    typer.Option(
        metavar="RULES",
        help="Run these rules only: codes, beginnings of codes, names or ALL, with commas.",
        show_default=False,
        rich_help_panel=SELECTING,
        autocompletion=complete_rules,
    ),
]
ExtendSelect = Annotated[
    list[str],
    typer.Option(
        metavar="RULES",
        help="Run these rules too.",
        show_default=False,
        rich_help_panel=SELECTING,
        autocompletion=complete_rules,
    ),
]
Ignore = Annotated[
    list[str],
    typer.Option(
        metavar="RULES",
        help="Do not run these rules.",
        show_default=False,
        rich_help_panel=SELECTING,
        autocompletion=complete_rules,
    ),
]
FailOn = Annotated[
    Severity | None,
    typer.Option(
        help="The least severity that makes the exit code 1.  [default: warning]",
        show_default=False,
        rich_help_panel=SELECTING,
    ),
]
ExitZero = Annotated[
    bool,
    typer.Option("--exit-zero", help="End with 0 despite findings.", rich_help_panel=SELECTING),
]
BaselineFile = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="Do not report the findings in this file.",
        show_default=False,
        rich_help_panel=SELECTING,
    ),
]
WriteBaseline = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write all findings to this file, as the baseline of later runs.",
        show_default=False,
        rich_help_panel=SELECTING,
    ),
]
FixOption = Annotated[
    bool,
    typer.Option(
        "--fix", help="Make the fixes that are safe, each tried on the model first.", rich_help_panel=FIXING
    ),
]
UnsafeFixes = Annotated[
    bool,
    typer.Option("--unsafe-fixes", help="Make those too that may not be meant.", rich_help_panel=FIXING),
]
ShowFixes = Annotated[
    bool,
    typer.Option("--show-fixes", help="Print the fixes as a diff and write nothing.", rich_help_panel=FIXING),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Settings to use; else the nearest skiplint.toml or pyproject.toml.",
        show_default=False,
    ),
]
Format = Annotated[
    OutputFormat,
    typer.Option(
        metavar="FORMAT",
        help=f"How to write the report: {', '.join(each.value for each in OutputFormat)}.",
        rich_help_panel=OUTPUT,
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output-file",
        "-o",
        metavar="FILE",
        help="Write the report there, not to stdout.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
ColorOption = Annotated[
    Color,
    typer.Option(help="When to use colour; NO_COLOR and FORCE_COLOR are respected.", rich_help_panel=OUTPUT),
]
Outputs = Annotated[
    list[str],
    typer.Option(
        "--output",
        metavar="FORMAT:FILE",
        help="Write the report there too, such as sarif:skiplint.sarif; may be given many times.",
        show_default=False,
        rich_help_panel=OUTPUT,
        autocompletion=_complete_output,
    ),
]
Statistics = Annotated[
    bool,
    typer.Option("--statistics", help="Show counts per rule, not the findings.", rich_help_panel=OUTPUT),
]
Diff = Annotated[
    str,
    typer.Option(
        metavar="BASE",
        help="Lint only what changed since a git revision: files that differ, untracked ones, and files "
        "that import one of them.",
        show_default=False,
        rich_help_panel=MODELS,
    ),
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Lint again whenever a file changes, until Ctrl-C.", rich_help_panel=MODELS),
]
Jobs = Annotated[
    str | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        help="Worker processes at most; `auto` goes by processors and memory, 0 does without.  "
        "[default: auto]",
        show_default=False,
        rich_help_panel=RUNNING,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="How long a model, or the import of a file, may take; 0 means any time.  [default: 120]",
        min=0,
        show_default=False,
        rich_help_panel=RUNNING,
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="What a worker process may allocate, such as `8G`; 0 means anything.  "
        "[default: 90% of the memory]",
        show_default=False,
        rich_help_panel=RUNNING,
    ),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache", help="Neither use results of earlier runs nor keep new ones.", rich_help_panel=RUNNING
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Show tracebacks and every detail.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show findings only.", rich_help_panel=OUTPUT)]


def build_arguments(args: str, kwargs: str) -> tuple[list[Any], dict[str, Any]]:
    """The values of ``--args`` and ``--kwargs``."""
    positional = _parse("--args", args, list, "a JSON list such as '[18]'")
    named = _parse("--kwargs", kwargs, dict, "a JSON object such as '{\"depth\": 18}'")
    return positional, named


def _parse(option: str, text: str, kind: type, wanted: str) -> Any:
    try:
        value = json.loads(text) if text else kind()
    except json.JSONDecodeError as error:
        place = f"{error.msg} at character {error.pos}"
        raise UsageError(f"{option} is not valid JSON ({place}); give {wanted}") from None
    if not isinstance(value, kind):
        raise UsageError(f"{option} must be {wanted}")
    return value


def selecting(
    select: list[str], extend_select: list[str], ignore: list[str], fail_on: Severity | None
) -> dict[str, Any]:
    """What the flags say, as a table of settings; what was not given is not in it."""
    lists = {"select": select, "extend-select": extend_select, "ignore": ignore}
    table: dict[str, Any] = {
        key: [word for value in values for word in split_words(value)]
        for key, values in lists.items()
        if values
    }
    return table if fail_on is None else {**table, "fail-on": fail_on.value}
