"""``skiplint paths``: how long the paths through a model are."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from skiplint import pipeline
from skiplint.cli import options, output
from skiplint.cli.check import read_settings
from skiplint.cli.failures import complain_of, exit_code
from skiplint.config import Settings
from skiplint.linting.registry import Registry
from skiplint.reporting import render
from skiplint.reporting.console_paths import path_tables


class PathUnit(str, Enum):
    """What the length of a path is counted in."""

    LAYERS = "layers"
    BLOCKS = "blocks"


def paths(
    targets: options.Targets,
    args: options.Args = "",
    kwargs: options.Kwargs = "",
    unit: Annotated[
        PathUnit | None,
        typer.Option(
            help="Draw the histogram in weighted layers or in residual blocks.  "
            "[default: blocks where there are any]",
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    output_format: Annotated[
        options.ListFormat, typer.Option(help="How to write the paths.", rich_help_panel=options.OUTPUT)
    ] = options.ListFormat.CONSOLE,
    output_file: options.OutputFile = None,
    color: options.ColorOption = options.Color.AUTO,
    config: options.Config = None,
    verbose: options.Verbose = False,
) -> None:
    """Show how long the paths from input to output are.

    The numbers are exact and over all paths; `--verbose` adds every weighted layer and skip. The JSON is the
    report of `skiplint check` without findings.
    """
    # The rules' settings do not matter here and need not be right.
    settings = Settings(models=read_settings(targets, config).models)
    positional, named = options.build_arguments(args, kwargs)
    with output.stdout_to_stderr(), output.progress() as progress:
        report = pipeline.check(
            targets, settings, args=positional, kwargs=named, registry=Registry(()), progress=progress
        )
    style = output.style_for(color, file=output_file, verbosity=1 if verbose else 0)
    if output_format is options.ListFormat.JSON:
        text = render(report, "json", style)
    else:
        text = path_tables(report, style, unit.value if unit else None)
    output.emit(text, output_file)
    complain_of(report, verbose=verbose, rules=True)
    raise typer.Exit(exit_code(report, settings.fail_on))
