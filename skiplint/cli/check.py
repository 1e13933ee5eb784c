"""``skiplint check``, which is also plain ``skiplint``."""

from __future__ import annotations

from pathlib import Path

import typer

from skiplint import pipeline
from skiplint.cli import options, output
from skiplint.cli.failures import complain_of, exit_code
from skiplint.config import Settings
from skiplint.linting.registry import Registry, load_registry
from skiplint.precedence import effective_settings
from skiplint.reporting import render


def check(
    targets: options.Targets,
    args: options.Args = "",
    kwargs: options.Kwargs = "",
    select: options.Select = [],  # noqa: B006 - typer copies it
    extend_select: options.ExtendSelect = [],  # noqa: B006
    ignore: options.Ignore = [],  # noqa: B006
    fail_on: options.FailOn = None,
    exit_zero: options.ExitZero = False,
    output_format: options.Format = options.OutputFormat.CONSOLE,
    output_file: options.OutputFile = None,
    color: options.ColorOption = options.Color.AUTO,
    config: options.Config = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Lint models: their skips, and what is wrong with them.

    **Examples**

    `skiplint model.py`

    `skiplint torchvision.models:resnet50 --output-format json`

    `skiplint mypackage.nets:build --kwargs '{"depth": 18}' --select SKL2`
    """
    registry = load_registry()
    flags = options.selecting(select, extend_select, ignore, fail_on)
    settings = effective_settings(targets, config=config, registry=registry, command_line=flags).settings
    positional, named = options.build_arguments(args, kwargs)
    with output.stdout_to_stderr(), output.progress() as progress:
        report = pipeline.check(
            targets, settings, args=positional, kwargs=named, registry=registry, progress=progress
        )
    verbosity = 1 if verbose else -1 if quiet else 0
    style = output.style_for(color, file=output_file, verbosity=verbosity)
    output.emit(render(report, output_format.value, style), output_file)
    complain_of(report, verbose=verbose, rules=output_format is not options.OutputFormat.CONSOLE)
    raise typer.Exit(exit_code(report, settings.fail_on, exit_zero=exit_zero))


def read_settings(targets: list[str], config: Path | None, registry: Registry | None = None) -> Settings:
    """The settings in ``config``, or in the nearest file of the targets, and in the environment.

    With a ``registry`` the rules that they name must be there.
    """
    return effective_settings(targets, config=config, registry=registry).settings
