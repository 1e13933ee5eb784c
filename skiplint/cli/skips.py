"""``skiplint skips``: the skips of a model and nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from skiplint.cli import options
from skiplint.cli.view import View
from skiplint.reporting.formats.console_models import skip_tables


def skips(
    targets: options.Targets,
    args: options.Args = "",
    kwargs: options.Kwargs = "",
    output_format: Annotated[
        options.ListFormat, typer.Option(help="How to write the list.", rich_help_panel=options.OUTPUT)
    ] = options.ListFormat.CONSOLE,
    output_file: options.OutputFile = None,
    color: options.ColorOption = options.Color.AUTO,
    config: options.Config = None,
    verbose: options.Verbose = False,
) -> None:
    """List the skips of models, one row a join with `--verbose`, without running any rule.

    The JSON is the report of `skiplint check` without findings.

    **Examples**

    `skiplint skips model.py:UNet --verbose`

    `skiplint skips torchvision.models:densenet121`
    """
    view = View(targets, args, kwargs, output_format, output_file, color, config, verbose)
    view.show(skip_tables)
