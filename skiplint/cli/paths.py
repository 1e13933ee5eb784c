"""``skiplint paths``: how long the paths through a model are."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from skiplint.cli.isolation import RunOptions
from skiplint.cli.options import OUTPUT, ModelArguments, Targets, option
from skiplint.cli.view import ViewOptions, show
from skiplint.reporting.formats.console_paths import path_tables
from skiplint.run.request import Request


class PathUnit(str, Enum):
    """What the length of a path is counted in."""

    LAYERS = "layers"
    BLOCKS = "blocks"


def paths(
    targets: Targets,
    *,
    model: ModelArguments,
    unit: Annotated[
        PathUnit | None,
        option(
            OUTPUT,
            "Draw the histogram in weighted layers or in residual blocks.  "
            "[default: blocks where there are any]",
        ),
    ] = None,
    gradients: Annotated[
        bool,
        typer.Option(
            "--gradients",
            help="Also weight every path by the gradient that it carries; takes a forward and a backward "
            "pass with real weights.",
        ),
    ] = False,
    view: ViewOptions,
    run: RunOptions,
) -> None:
    """Show how long the paths from input to output are.

    The numbers are exact and count all paths; `--verbose` adds every weighted layer and skip. The JSON is the
    report of `skiplint check` without findings.

    **Examples**

    `skiplint paths torchvision.models:resnet50 --unit blocks`

    `skiplint paths model.py:Net --gradients`
    """
    show(
        Request(targets, gradients=gradients),
        lambda report, style: path_tables(report, style, unit.value if unit else None),
        model=model,
        view=view,
        run=run,
    )
