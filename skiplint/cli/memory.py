"""``skiplint memory``: what a model's activations take."""

from __future__ import annotations

from typing import Annotated

import typer

from skiplint import pipeline
from skiplint.cli import options, output
from skiplint.cli.check import read_settings
from skiplint.cli.failures import UsageError, complain_of, exit_code
from skiplint.config import Settings
from skiplint.linting.registry import Registry
from skiplint.reporting import render
from skiplint.reporting.console_memory import memory_tables
from skiplint.resizing import Resizing


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
    """
    # The rules' settings do not matter here and need not be right.
    settings = Settings(models=read_settings(targets, config).models)
    positional, named = options.build_arguments(args, kwargs)
    running = pipeline.Running(Resizing(batch, _dimensions(size)), training=train is True)
    with output.stdout_to_stderr(), output.progress() as progress:
        report = pipeline.check(
            targets,
            settings,
            args=positional,
            kwargs=named,
            registry=Registry(()),
            progress=progress,
            running=running,
        )
    style = output.style_for(color, file=output_file, verbosity=1 if verbose else 0)
    if output_format is options.ListFormat.JSON:
        text = render(report, "json", style)
    else:
        text = memory_tables(report, style, inference=train is not True, training=train is not False)
    output.emit(text, output_file)
    complain_of(report, verbose=verbose, rules=True)
    raise typer.Exit(exit_code(report, settings.fail_on))


def _dimensions(text: str) -> tuple[int, ...]:
    try:
        size = tuple(int(part) for part in text.lower().replace("x", ",").split(",")) if text else ()
    except ValueError:
        size = (0,)
    if any(each < 1 for each in size):
        raise UsageError(f"--size must be positive numbers such as 512,512 or 128, not {text!r}")
    return size
