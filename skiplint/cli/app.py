"""The typer application, and the entry point of the command line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from skiplint.cli import signals
from skiplint.cli.ablate import ablate
from skiplint.cli.check import check
from skiplint.cli.clean import clean
from skiplint.cli.completion import complete_default_command
from skiplint.cli.config import config
from skiplint.cli.failures import UsageError, complain, hint_at_verbose
from skiplint.cli.graph import graph
from skiplint.cli.init import init
from skiplint.cli.memory import memory
from skiplint.cli.option_groups import Command, flattened
from skiplint.cli.output import discard_stdout
from skiplint.cli.paths import paths
from skiplint.cli.report import report
from skiplint.cli.rules import explain, rules
from skiplint.cli.skips import skips
from skiplint.run.interruption import Interrupted
from skiplint.run.workers import WorkerError
from skiplint.settings.settings import ConfigError, ExitCode
from skiplint.version import __version__

app = typer.Typer(
    name="skiplint",
    help="Find every skip connection in a PyTorch model, and what is wrong with it.\n\n"
    "`skiplint TARGET` is short for `skiplint check TARGET`. A target is a file (`model.py`), a folder, "
    "one model of a file (`model.py:UNet`), a model or factory by its import path "
    "(`torchvision.models:resnet50`), or a saved program (`model.pt2`).\n\n"
    "**Examples**\n\n"
    "`skiplint model.py`\n\n"
    "`skiplint src/nets --fail-on error --output-format github`\n\n"
    "`skiplint explain SKL205`",
    epilog="The exit code is 0 without findings, 1 with findings at or above --fail-on, and 2 if something "
    "could not be done. `skiplint --install-completion` sets up completion with the TAB key.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
DEFAULT_COMMAND = "check"
COMMANDS: dict[str, Command] = {
    DEFAULT_COMMAND: check,
    "skips": skips,
    "paths": paths,
    "memory": memory,
    "ablate": ablate,
    "graph": graph,
    "report": report,
    "rules": rules,
    "explain": explain,
    "config": config,
    "init": init,
    "clean": clean,
}
_TOP_LEVEL = {"-h", "--help", "--version", "--install-completion", "--show-completion"}

for name, command in COMMANDS.items():
    app.command(name)(flattened(command))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skiplint {__version__}")
        raise typer.Exit


@app.callback()
def _skiplint(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    del version


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Torch warns about this when NumPy is not installed; nothing here needs it.
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
    if sys.stdout is None:  # Closed by the caller (`>&-`), who wants the exit code only.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole process
    complete_default_command(with_default_command)
    try:
        words = with_default_command(words)
        with signals.raised():
            app(args=words, prog_name="skiplint", obj=tuple(words))
    except Interrupted as error:  # Before there was anything to report, or once more while it was written.
        complain("interrupted")
        sys.exit(signals.exit_code_of(error.signal))
    except (ConfigError, UsageError) as error:
        complain(str(error))
        sys.exit(ExitCode.ERROR)
    except WorkerError as error:
        verbose = not {"--verbose", "-v"}.isdisjoint(words)
        complain(str(error), error.detail if verbose else "")
        if error.detail and not verbose:
            hint_at_verbose()
        sys.exit(ExitCode.ERROR)
    except BrokenPipeError:
        discard_stdout()  # The reader, such as `head`, has what it wanted.
        sys.exit(ExitCode.OK)


def with_default_command(words: Sequence[str]) -> list[str]:
    """The arguments, with ``check`` in front if they name no command: ``skiplint model.py``."""
    if not words or words[0] in COMMANDS or words[0] in _TOP_LEVEL:
        return list(words)
    return [DEFAULT_COMMAND, *words]
