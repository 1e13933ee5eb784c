"""``skiplint paths``: how long the paths through a model are."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from skiplint.cli import options
from skiplint.cli.view import View
from skiplint.reporting.formats.console_paths import path_tables
from skiplint.run.request import Request


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
    gradients: Annotated[
        bool,
        typer.Option(
            "--gradients",
            help="Also weight every path by the gradient that it carries: one forward and backward pass on "
            "real weights.",
        ),
    ] = False,
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

    **Examples**

    `skiplint paths torchvision.models:resnet50 --unit blocks`

    `skiplint paths model.py:Net --gradients`
    """
    view = View(targets, args, kwargs, output_format, output_file, color, config, verbose)
    view.show(
        lambda report, style: path_tables(report, style, unit.value if unit else None),
        Request(gradients=gradients),
    )
