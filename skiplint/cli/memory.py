"""``skiplint memory``: what a model's activations take."""

from __future__ import annotations

from typing import Annotated

import typer

from skiplint.analysis.memory.resizing import Resizing
from skiplint.cli import budgets, options
from skiplint.cli.failures import UsageError
from skiplint.cli.view import View
from skiplint.reporting.formats.console_memory import memory_tables
from skiplint.run.request import Request


def memory(
    targets: options.Targets,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Batch size of the inputs.", show_default=False, rich_help_panel=options.MODELS
        ),
    ] = None,
    size: Annotated[
        str,
        typer.Option(
            metavar="H,W",
            help="Resolution or sequence length of the inputs; one number is a square image or a length.",
            show_default=False,
            rich_help_panel=options.MODELS,
        ),
    ] = "",
    train: Annotated[
        bool | None,
        typer.Option(
            "--train/--infer",
            help="Only what training saves, of the model in training mode, or only the peak of inference.  "
            "[default: both, of the model in evaluation mode]",
            show_default=False,
        ),
    ] = None,
    growth: Annotated[
        bool,
        typer.Option(
            "--growth",
            help="Trace at more sizes too, and say how the figures grow with batch, resolution or length.",
        ),
    ] = False,
    memory_budget: budgets.MemoryBudget = "",
    optimizer: budgets.OptimizerOption = budgets.Optimizer.ADAM,
    args: options.Args = "",
    kwargs: options.Kwargs = "",
    output_format: Annotated[
        options.ListFormat, typer.Option(help="How to write the figures.", rich_help_panel=options.OUTPUT)
    ] = options.ListFormat.CONSOLE,
    output_file: options.OutputFile = None,
    color: options.ColorOption = options.Color.AUTO,
    config: options.Config = None,
    verbose: options.Verbose = False,
) -> None:
    """Show what activations take: at the peak of inference, for the backward pass, in concatenations.

    **Examples**

    `skiplint memory model.py:UNet --batch 8 --size 512,512`

    `skiplint memory torchvision.models:densenet121 --train`

    `skiplint memory model.py:UNet --batch 32 --memory-budget 16GiB`

    `skiplint memory model.py:UNet --growth`
    """
    request = Request(
        resizing=Resizing(batch, _dimensions(size)),
        training=train is True,
        growth=growth,
        budget=budgets.parsed(memory_budget),
        optimizer=optimizer.value,
    )
    view = View(targets, args, kwargs, output_format, output_file, color, config, verbose)
    view.show(
        lambda report, style: memory_tables(
            report, style, inference=train is not True, training=train is not False
        ),
        request,
    )


def _dimensions(text: str) -> tuple[int, ...]:
    try:
        size = tuple(int(part) for part in text.lower().replace("x", ",").split(",")) if text else ()
    except ValueError:
        size = (0,)
    if any(each < 1 for each in size):
        raise UsageError(f"--size must be positive numbers such as 512,512 or 128, not {text!r}")
    return size
