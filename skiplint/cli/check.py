"""``skiplint check``, which is also plain ``skiplint``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from skiplint.cli.baseline import BaselineOptions, Known
from skiplint.cli.budgets import BudgetOptions, with_budget
from skiplint.cli.destinations import ReportOptions, parse_destinations, stream_to, write_report
from skiplint.cli.failures import UsageError, complain_of, complain_of_skipped, exit_code, remark
from skiplint.cli.fixing import FixOptions, fixed
from skiplint.cli.isolation import RunOptions
from skiplint.cli.linting import linted
from skiplint.cli.options import MODELS, SELECTING, ConfigFile, ModelArguments, RuleSettings, Targets, option
from skiplint.linting.registry import load_registry
from skiplint.reporting.report import Report
from skiplint.run.request import Request
from skiplint.settings.precedence import effective_settings
from skiplint.settings.settings import validate_rules


@dataclass(frozen=True)
class ChangeOptions:
    """Lint only what changed, or again after every change."""

    diff: Annotated[
        str,
        option(
            MODELS,
            "Lint only files that changed since this git revision, untracked files, and files that import "
            "any of these.",
            metavar="BASE",
        ),
    ] = ""
    watch: Annotated[
        bool,
        option(MODELS, "Lint again whenever a file changes, until Ctrl-C.", "--watch"),
    ] = False


def check(
    context: typer.Context,
    targets: Targets,
    *,
    model: ModelArguments,
    rules: RuleSettings,
    budget: BudgetOptions,
    exit_zero: Annotated[
        bool, option(SELECTING, "Exit with code 0 even if there are findings.", "--exit-zero")
    ] = False,
    baseline: BaselineOptions,
    fixes: FixOptions,
    output: ReportOptions,
    changes: ChangeOptions,
    config: ConfigFile = None,
    run: RunOptions,
) -> None:
    """Lint models: list their skips, and report what is wrong with them.

    **Examples**

    `skiplint model.py`

    `skiplint torchvision.models:resnet50 --output-format json`

    `skiplint mypackage.nets:build --kwargs '{"depth": 18}' --select SKL2`

    `skiplint model.py --memory-budget 16GiB --batch 32`

    `skiplint src/nets --diff origin/main --output sarif:skiplint.sarif --output junit:junit.xml`
    """
    if changes.watch:
        from skiplint.cli import watching

        raise typer.Exit(watching.watch(context.obj, targets, config))
    destinations = parse_destinations(output)
    registry = load_registry()
    effective = effective_settings(targets, config=config, registry=registry, command_line=rules.settings())
    settings = with_budget(effective.settings, registry, budget)
    validate_rules(settings, registry, source="command line")
    effective = dataclasses.replace(effective, settings=settings)
    known = Known.find(settings, registry, baseline)
    among = None
    if changes.diff:
        targets, among = only_changed(targets, changes.diff)
    request = Request(targets, contract=destinations.whole, among=among)

    # What is fixed is linted again, and only what is left is reported.
    stream = None if fixes.wanted else stream_to(destinations, output)

    def lint(texts: Mapping[str, str]) -> Report:
        asked = msgspec.structs.replace(request, texts=texts)
        draw = None if stream is None else stream.text
        found = linted(asked, effective, registry, model=model, run=run, draw=draw, aloud=output.verbose)
        return known.taken_from(found)

    report = lint({})
    if fixes.wanted and report.interruption is None:
        report = fixed(report, lint, fixes)
    if not fixes.show_fixes:
        # A baseline of some models would not know the findings of the others.
        if report.interruption is None:
            report = known.written(report)
        write_report(report, destinations, output, printed=0 if stream is None else stream.printed)
        complain_of(report, verbose=output.verbose, rules=not destinations.human or output.statistics)
        if targets:  # --diff has said that there are none
            complain_of_skipped(report, strict=settings.strict)
    raise typer.Exit(exit_code(report, settings.fail_on, exit_zero=exit_zero, strict=settings.strict))


def only_changed(targets: list[str], base: str) -> tuple[list[str], frozenset[Path]]:
    """The targets that have changed since revision ``base``, and the changed files of folders.

    Raises:
        UsageError: git cannot say what changed.
    """
    from skiplint.run.changed_targets import affected_targets
    from skiplint.sources.changes import ChangesError

    try:
        kept, among = affected_targets(targets, base, Path.cwd())
    except ChangesError as error:
        raise UsageError(f"--diff {base}: {error}") from None
    if not kept:
        remark(f"nothing in {', '.join(targets)} changed since {base}, so nothing was linted")
    return kept, among
