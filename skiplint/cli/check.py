"""``skiplint check``, which is also plain ``skiplint``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec
import typer

from skiplint.cli import budgets, options, output
from skiplint.cli.baseline import Known
from skiplint.cli.destinations import parse_destinations, refuse_statistics, write_report
from skiplint.cli.failures import UsageError, complain_of, exit_code, remark
from skiplint.cli.fixing import fixed
from skiplint.cli.isolation import cache_for, workers_for
from skiplint.cli.progress import progress
from skiplint.linting.registry import load_registry
from skiplint.run.check import check as check_targets
from skiplint.run.request import Request
from skiplint.settings.precedence import effective_settings
from skiplint.settings.settings import validate_rules


def check(
    context: typer.Context,
    targets: options.Targets,
    args: options.Args = "",
    kwargs: options.Kwargs = "",
    select: options.Select = [],  # noqa: B006 - typer copies it
    extend_select: options.ExtendSelect = [],  # noqa: B006
    ignore: options.Ignore = [],  # noqa: B006
    memory_budget: budgets.MemoryBudget = "",
    batch: budgets.Batch = None,
    optimizer: budgets.OptimizerChoice = None,
    fail_on: options.FailOn = None,
    exit_zero: options.ExitZero = False,
    baseline: options.BaselineFile = None,
    write_baseline: options.WriteBaseline = None,
    fix: options.FixOption = False,
    unsafe_fixes: options.UnsafeFixes = False,
    show_fixes: options.ShowFixes = False,
    output_format: options.Format = options.OutputFormat.CONSOLE,
    output_file: options.OutputFile = None,
    outputs: options.Outputs = [],  # noqa: B006
    statistics: options.Statistics = False,
    diff: options.Diff = "",
    watch: options.Watch = False,
    color: options.ColorOption = options.Color.AUTO,
    config: options.Config = None,
    jobs: options.Jobs = None,
    timeout: options.Timeout = None,
    memory_limit: options.MemoryLimit = None,
    no_cache: options.NoCache = False,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Lint models: their skips, and what is wrong with them.

    **Examples**

    `skiplint model.py`

    `skiplint torchvision.models:resnet50 --output-format json`

    `skiplint mypackage.nets:build --kwargs '{"depth": 18}' --select SKL2`

    `skiplint model.py --memory-budget 16GiB --batch 32`

    `skiplint src/nets --diff origin/main --output sarif:skiplint.sarif --output junit:junit.xml`
    """
    if watch:
        from skiplint.cli import watching

        raise typer.Exit(watching.watch(context.obj, targets, config))
    destinations = parse_destinations(output_format, output_file, outputs)
    if statistics:
        refuse_statistics(output_format)
    registry = load_registry()
    flags = options.selecting(select, extend_select, ignore, fail_on)
    effective = effective_settings(targets, config=config, registry=registry, command_line=flags)
    settings = budgets.with_budget(effective.settings, registry, memory_budget, batch, optimizer)
    validate_rules(settings, registry, source="command line")
    known = Known.find(settings, registry, baseline, write_baseline)
    positional, named = options.build_arguments(args, kwargs)
    among = None
    if diff:
        targets, among = only_changed(targets, diff)
    request = Request(targets, settings, positional, named, contract=destinations.whole, among=among)
    workers = workers_for(settings, jobs, timeout, memory_limit)
    cache = cache_for(effective, wanted=not no_cache)
    lint = partial(known.lint, check_targets, registry=registry, workers=workers)
    with output.stdout_to_stderr(), progress() as next_model:
        report = lint(request, progress=next_model, cache=cache)
    if fix or show_fixes:
        report = fixed(
            report,
            lambda texts: lint(msgspec.structs.replace(request, texts=texts)),
            unsafe=unsafe_fixes,
            write=fix and not show_fixes,
        )
    if show_fixes:
        raise typer.Exit(exit_code(report, settings.fail_on, exit_zero=exit_zero))
    report = known.written(report)
    verbosity = 1 if verbose else -1 if quiet else 0
    write_report(report, destinations, color=color, verbosity=verbosity, statistics=statistics)
    complain_of(report, verbose=verbose, rules=not destinations.human or statistics)
    raise typer.Exit(exit_code(report, settings.fail_on, exit_zero=exit_zero))


def only_changed(targets: list[str], base: str) -> tuple[list[str], frozenset[Path]]:
    """The targets that changes since revision ``base`` concern, and which files of folders they do.

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
