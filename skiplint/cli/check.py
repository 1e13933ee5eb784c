"""``skiplint check``, which is also plain ``skiplint``."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer

from skiplint import pipeline
from skiplint.cli import options, output
from skiplint.cli.failures import complain_of, exit_code
from skiplint.config import (
    Settings,
    find_config,
    load_settings,
    search_start,
    shown_path,
    validate_rules,
)
from skiplint.linting.finding import Severity
from skiplint.linting.registry import Registry, load_registry
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
    settings = override(
        read_settings(targets, config, registry),
        select=options.split_selectors(select),
        extend_select=options.split_selectors(extend_select),
        ignore=options.split_selectors(ignore),
        fail_on=fail_on,
    )
    # The file's own settings are right by now, so what is wrong came from a flag.
    validate_rules(settings, registry, source="command line")
    positional, named = options.build_arguments(args, kwargs)
    with output.stdout_to_stderr(), output.progress() as progress:
        report = pipeline.check(
            targets,
            settings,
            args=positional,
            kwargs=named,
            registry=registry,
            progress=progress,
            contracts=output_format is options.OutputFormat.JSON,
        )
    verbosity = 1 if verbose else -1 if quiet else 0
    style = output.style_for(color, file=output_file, verbosity=verbosity)
    output.emit(render(report, output_format.value, style), output_file)
    complain_of(report, verbose=verbose, rules=output_format is not options.OutputFormat.CONSOLE)
    raise typer.Exit(exit_code(report, settings.fail_on, exit_zero=exit_zero))


def read_settings(targets: list[str], config: Path | None, registry: Registry | None = None) -> Settings:
    """The settings in ``config``, or in the nearest file of the targets.

    With a ``registry`` the rules that they name must be there.
    """
    if config is None:
        config = find_config(search_start(targets, Path.cwd()))
    if config is None:
        return Settings()
    settings = load_settings(config)
    if registry is not None:
        validate_rules(settings, registry, source=shown_path(config))
    return settings


def override(
    settings: Settings,
    *,
    select: tuple[str, ...],
    extend_select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: Severity | None,
) -> Settings:
    """``settings`` with what the command line says.

    ``--select`` is the whole selection, so it sets the file's lists aside; the other flags add to them.
    """
    if select:
        settings = msgspec.structs.replace(settings, select=select, extend_select=(), ignore=())
    return msgspec.structs.replace(
        settings,
        extend_select=(*settings.extend_select, *extend_select),
        ignore=(*settings.ignore, *ignore),
        fail_on=fail_on or settings.fail_on,
    )
