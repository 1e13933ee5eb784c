"""Where the report goes: one format to stdout or a file, and others to files of their own."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from skiplint.cli import output
from skiplint.cli.failures import UsageError
from skiplint.cli.options import OUTPUT, Color, OutputFile, OutputFormat, Verbose, WhenColor, option
from skiplint.linting.selection import did_you_mean
from skiplint.reporting.formats import render
from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import ModelReport, Report


def _complete_output(incomplete: str) -> list[str]:
    """The formats that start with ``incomplete``, each with a colon, for the shell to go on with a file."""
    return [f"{each.value}:" for each in OutputFormat if f"{each.value}:".startswith(incomplete)]


@dataclass(frozen=True)
class ReportOptions:
    """Where a report is written, and how."""

    output_format: Annotated[
        OutputFormat,
        option(
            OUTPUT,
            f"How to write the report: {', '.join(each.value for each in OutputFormat)}.",
            metavar="FORMAT",
        ),
    ] = OutputFormat.CONSOLE
    output_file: OutputFile = None
    output: Annotated[
        list[str],
        option(
            OUTPUT,
            "Also write the report to this file, such as sarif:skiplint.sarif; may be repeated.",
            metavar="FORMAT:FILE",
            autocompletion=_complete_output,
        ),
    ] = field(default_factory=list)
    statistics: Annotated[
        bool,
        option(OUTPUT, "Show counts per rule instead of the findings.", "--statistics"),
    ] = False
    color: WhenColor = Color.AUTO
    verbose: Verbose = False
    quiet: Annotated[bool, option(OUTPUT, "Show findings only.", "--quiet", "-q")] = False

    @property
    def verbosity(self) -> int:
        """1 for every detail, 0 as usual, -1 for findings only."""
        return 1 if self.verbose else -1 if self.quiet else 0


@dataclass(frozen=True, slots=True)
class Destination:
    """A format and the file that it goes to, or stdout."""

    output_format: OutputFormat
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Destinations:
    """Everything that one run writes."""

    first: Destination
    """From ``--output-format`` and ``--output-file``."""
    others: tuple[Destination, ...] = ()
    """One for each ``--output``."""

    @property
    def human(self) -> bool:
        """Whether the console report goes to stdout, where people read it."""
        return self.first.file is None and self.first.output_format is OutputFormat.CONSOLE

    @property
    def whole(self) -> bool:
        """Whether the whole report is written somewhere: the JSON, which has more than the other formats."""
        return any(each.output_format is OutputFormat.JSON for each in (self.first, *self.others))


def parse_destinations(options: ReportOptions) -> Destinations:
    """Where the options say that the report goes.

    Raises:
        UsageError: an unknown format, one without statistics where they are asked for, a file that cannot be
            written, or one that is named twice.
    """
    others = tuple(_parse(text) for text in options.output)
    chosen = Destinations(Destination(options.output_format, options.output_file), others)
    files = [each.file for each in (chosen.first, *chosen.others) if each.file is not None]
    seen: set[str] = set()
    for file in files:
        # Checked now: a model may take minutes, and then there would be nowhere to put the report.
        if not file.parent.is_dir():
            raise UsageError(f"cannot write {file}: there is no folder {file.parent}")
        if file.is_dir():
            raise UsageError(f"cannot write {file}: it is a folder")
        real = os.path.realpath(file)
        if real in seen:
            raise UsageError(f"{file} is named as an output twice; give each format its own file")
        seen.add(real)
    if options.statistics:
        _refuse_statistics(options.output_format)
    return chosen


def _parse(text: str) -> Destination:
    name, colon, file = text.partition(":")
    known = [each.value for each in OutputFormat]
    if not colon or not file:
        raise UsageError(f"--output takes FORMAT:FILE, such as sarif:skiplint.sarif, not {text!r}")
    if name not in known:
        hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
        raise UsageError(f"--output {text}: there is no format {name!r}{hint}")
    return Destination(OutputFormat(name), Path(file))


def write_report(
    report: Report, destinations: Destinations, options: ReportOptions, *, printed: int = 0
) -> None:
    """Write ``report`` to all destinations; with ``--statistics`` the first gets counts only.

    Args:
        report: what to write.
        destinations: where to.
        options: how.
        printed: how many models are on the console already.

    Raises:
        UsageError: a file could not be written. It is as it was before, and the other files are written.
    """
    failures = []
    for each in (destinations.first, *destinations.others):
        style = output.style_for(options.color, file=each.file, verbosity=options.verbosity)
        if options.statistics and each is destinations.first:
            from skiplint.reporting.formats.statistics import render_statistics

            text = render_statistics(report, each.output_format.value, style)
        elif printed and each is destinations.first:
            from skiplint.reporting.formats import console

            text = console.render(report, style, printed=printed)
        else:
            text = render(report, each.output_format.value, style)
        try:
            output.emit(text, each.file)
        except UsageError as error:
            failures.append(str(error))
    if failures:
        raise UsageError("; ".join(failures))


@dataclass
class Stream:
    """Prints each model on the console as soon as it is done."""

    style: Style
    printed: int = 0
    """How many models have been printed."""

    def text(self, model: ModelReport) -> str:
        """What to print of the next model."""
        from skiplint.reporting.formats import console

        self.printed += 1
        return console.render_model(model, self.style)


def stream_to(destinations: Destinations, options: ReportOptions) -> Stream | None:
    """Prints models while the run goes on; None where the report goes elsewhere, or holds no models."""
    if not destinations.human or options.statistics:
        return None
    return Stream(output.style_for(options.color, file=None, verbosity=options.verbosity))


def _refuse_statistics(output_format: OutputFormat) -> None:
    """Fail if the format cannot hold counts."""
    from skiplint.reporting.formats.statistics import STATISTICS_FORMATS

    if output_format.value not in STATISTICS_FORMATS:
        known = ", ".join(STATISTICS_FORMATS)
        raise UsageError(f"--statistics cannot be written as {output_format.value}; choose one of {known}")
