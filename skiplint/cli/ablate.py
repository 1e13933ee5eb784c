"""``skiplint ablate``: what each skip of a model is worth."""

from __future__ import annotations

from typing import Annotated

import typer

from skiplint.analysis.ablation.options import AblationOptions
from skiplint.cli import options
from skiplint.cli.view import View
from skiplint.reporting.formats.console_ablation import ablation_tables
from skiplint.run.request import Request


def ablate(
    targets: options.Targets,
    args: options.Args = "",
    kwargs: options.Kwargs = "",
    seeds: Annotated[
        int, typer.Option(min=0, help="Initialisations to compare the model with and without skips over.")
    ] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of every random number.")] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Inputs in a batch.", rich_help_panel=options.MODELS)] = 8,
    output_format: Annotated[
        options.ListFormat, typer.Option(help="How to write the figures.", rich_help_panel=options.OUTPUT)
    ] = options.ListFormat.CONSOLE,
    output_file: options.OutputFile = None,
    color: options.ColorOption = options.Color.AUTO,
    config: options.Config = None,
    verbose: options.Verbose = False,
) -> None:
    """Run a model without each of its skips, and without all of them.

    Shows what that does to the gradient of the first layers, to the variance of the signal, to what tells the
    inputs apart, and to the paths. One forward and backward pass on real weights a row. `--verbose` shows
    every skip by itself.

    **Examples**

    `skiplint ablate model.py:Net`

    `skiplint ablate torchvision.models:resnet50 --seeds 10 --output-format json`
    """
    view = View(targets, args, kwargs, output_format, output_file, color, config, verbose)
    view.show(ablation_tables, Request(ablation=AblationOptions(seeds=seeds, seed=seed, batch=batch)))
