"""What the commands that show one analysis do: trace the targets, run no rule, draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import typer

from skiplint.cli import options, output
from skiplint.cli.failures import complain_of, exit_code
from skiplint.cli.isolation import cache_for, workers_for
from skiplint.cli.progress import progress
from skiplint.linting.registry import Registry
from skiplint.reporting.formats import render
from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import Report
from skiplint.run.check import check as check_targets
from skiplint.run.request import Request
from skiplint.settings.precedence import effective_settings
from skiplint.settings.settings import Settings

_NO_RULES = {
    name: getattr(Settings(), name)
    for name in ("select", "extend_select", "ignore", "per_file_ignores", "rules")
}


@dataclass(frozen=True)
class View:
    """The options that all of these commands take, as they came from the command line."""

    targets: list[str]
    args: str
    kwargs: str
    output_format: options.ListFormat
    output_file: Path | None
    color: options.Color
    config: Path | None
    verbose: bool

    def show(
        self,
        draw: Callable[[Report, Style], str],
        request: Request = Request(),  # noqa: B008
    ) -> None:
        """Trace the models as ``request`` asks and write what ``draw`` makes of the report, or its JSON.

        Raises:
            Exit: always, with the exit code.
        """
        # The rules' settings do not matter here and need not be right.
        effective = effective_settings(self.targets, config=self.config)
        settings = msgspec.structs.replace(effective.settings, **_NO_RULES)
        positional, named = options.build_arguments(self.args, self.kwargs)
        with output.stdout_to_stderr(), progress() as next_model:
            report = check_targets(
                msgspec.structs.replace(
                    request, targets=self.targets, settings=settings, args=positional, kwargs=named
                ),
                registry=Registry(()),
                progress=next_model,
                workers=workers_for(settings),
                cache=cache_for(effective),
            )
        style = output.style_for(self.color, file=self.output_file, verbosity=1 if self.verbose else 0)
        as_json = self.output_format is options.ListFormat.JSON
        output.emit(render(report, "json", style) if as_json else draw(report, style), self.output_file)
        complain_of(report, verbose=self.verbose, rules=True)
        raise typer.Exit(exit_code(report, settings.fail_on))
