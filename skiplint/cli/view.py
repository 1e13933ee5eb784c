"""The commands that show one analysis: trace the targets, run no rules, print tables or JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import typer

from skiplint.cli import options, output
from skiplint.cli.failures import complain_of, exit_code
from skiplint.cli.isolation import RunOptions
from skiplint.cli.linting import linted
from skiplint.linting.registry import Registry
from skiplint.reporting.formats import render
from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import Report
from skiplint.run.request import Request
from skiplint.settings.precedence import effective_settings
from skiplint.settings.settings import Settings

_NO_RULES = {
    name: getattr(Settings(), name)
    for name in ("select", "extend_select", "ignore", "per_file_ignores", "rules")
}


@dataclass(frozen=True)
class ViewOptions:
    """Where and how the result of an analysis is written."""

    output_format: options.AsList = options.ListFormat.CONSOLE
    output_file: options.OutputFile = None
    color: options.WhenColor = options.Color.AUTO
    config: options.ConfigFile = None
    verbose: options.Verbose = False


def show(
    request: Request,
    draw: Callable[[Report, Style], str],
    *,
    model: options.ModelArguments,
    view: ViewOptions,
    run: RunOptions,
) -> None:
    """Trace the models and write the text that ``draw`` returns for the report, or the report as JSON.

    Args:
        request: the targets, and what to find out about each.
        draw: turns the report into text.
        model: what to build the models with.
        view: where to write the text, and how.
        run: limits, and whether the cache is used.

    Raises:
        Exit: always, with the exit code.
    """
    effective = effective_settings(request.targets, config=view.config)
    # No rule runs, so settings of rules may be wrong here.
    settings = msgspec.structs.replace(effective.settings, **_NO_RULES)
    effective = dataclasses.replace(effective, settings=settings)
    report = linted(request, effective, Registry(()), model=model, run=run, aloud=view.verbose)
    style = output.style_for(view.color, file=view.output_file, verbosity=1 if view.verbose else 0)
    as_json = view.output_format is options.ListFormat.JSON
    output.emit(render(report, "json", style) if as_json else draw(report, style), view.output_file)
    complain_of(report, verbose=view.verbose, rules=True)
    raise typer.Exit(exit_code(report, settings.fail_on))
