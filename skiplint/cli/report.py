"""``skiplint report``: everything on one HTML page."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from skiplint.cli import options, output
from skiplint.cli.failures import UsageError, complain_of
from skiplint.cli.isolation import cache_for, workers_for
from skiplint.cli.progress import progress
from skiplint.linting.registry import load_registry
from skiplint.reporting.formats import render
from skiplint.run.check import check as check_targets
from skiplint.run.request import Request
from skiplint.settings.precedence import effective_settings
from skiplint.settings.settings import ExitCode


def report(
    targets: options.Targets,
    output_file: Annotated[
        Path,
        typer.Option(
            "--output-file",
            "-o",
            metavar="FILE",
            help="Where to write the page.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = Path("skiplint-report.html"),
    args: options.Args = "",
    kwargs: options.Kwargs = "",
    select: options.Select = [],  # noqa: B006 - typer copies it
    extend_select: options.ExtendSelect = [],  # noqa: B006
    ignore: options.Ignore = [],  # noqa: B006
    config: options.Config = None,
    verbose: options.Verbose = False,
) -> None:
    """Write one HTML page: the findings, and of every model its skips, path lengths and memory.

    The page needs nothing else, so it can be attached or kept. Findings do not change the exit code.

    **Examples**

    `skiplint report torchvision.models:resnet50 -o resnet50.html`
    """
    if importlib.util.find_spec("jinja2") is None:
        raise UsageError("skiplint report needs jinja2: pip install 'skiplint[report]'")
    registry = load_registry()
    flags = options.selecting(select, extend_select, ignore, None)
    effective = effective_settings(targets, config=config, registry=registry, command_line=flags)
    settings = effective.settings
    positional, named = options.build_arguments(args, kwargs)
    with output.stdout_to_stderr(), progress() as next_model:
        found = check_targets(
            Request(targets, settings, positional, named),
            registry=registry,
            progress=next_model,
            workers=workers_for(settings),
            cache=cache_for(effective),
        )
    output.emit(render(found, "html"), output_file)
    complain_of(found, verbose=verbose, rules=False)
    typer.echo(f"skiplint: wrote {output_file}", err=True)
    raise typer.Exit(ExitCode.ERROR if found.broken else ExitCode.OK)
