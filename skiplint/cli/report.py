"""``skiplint report``: everything on one HTML page."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from skiplint.cli import output
from skiplint.cli.failures import UsageError, complain_of
from skiplint.cli.isolation import RunOptions
from skiplint.cli.linting import linted
from skiplint.cli.options import OUTPUT, ConfigFile, ModelArguments, RuleSelection, Targets, Verbose, option
from skiplint.linting.registry import load_registry
from skiplint.reporting.formats import render
from skiplint.run.request import Request
from skiplint.settings.precedence import effective_settings
from skiplint.settings.settings import ExitCode


def report(
    targets: Targets,
    *,
    output_file: Annotated[
        Path,
        option(OUTPUT, "Where to write the page.", "--output-file", "-o", metavar="FILE"),
    ] = Path("skiplint-report.html"),
    model: ModelArguments,
    rules: RuleSelection,
    config: ConfigFile = None,
    verbose: Verbose = False,
    run: RunOptions,
) -> None:
    """Write one HTML page with the findings and the skips, path lengths and memory of each model.

    The page needs no other files. Findings do not change the exit code.

    **Examples**

    `skiplint report torchvision.models:resnet50 -o resnet50.html`
    """
    if importlib.util.find_spec("jinja2") is None:
        raise UsageError("skiplint report needs jinja2: pip install 'skiplint[report]'")
    registry = load_registry()
    effective = effective_settings(targets, config=config, registry=registry, command_line=rules.settings())
    found = linted(Request(targets), effective, registry, model=model, run=run, aloud=verbose)
    output.emit(render(found, "html"), output_file)
    complain_of(found, verbose=verbose, rules=False)
    typer.echo(f"skiplint: wrote {output_file}", err=True)
    raise typer.Exit(ExitCode.ERROR if found.broken else ExitCode.OK)
