"""``skiplint skips``: the skips of a model and nothing else."""

from __future__ import annotations

from skiplint.cli import options
from skiplint.cli.isolation import RunOptions
from skiplint.cli.view import ViewOptions, show
from skiplint.reporting.formats.console_models import skip_tables
from skiplint.run.request import Request


def skips(
    targets: options.Targets,
    *,
    model: options.ModelArguments,
    view: ViewOptions,
    run: RunOptions,
) -> None:
    """List the skips of models without running any rule; with `--verbose` one row per join.

    The JSON is the report of `skiplint check` without findings.

    **Examples**

    `skiplint skips model.py:UNet --verbose`

    `skiplint skips torchvision.models:densenet121`
    """
    show(Request(targets), skip_tables, model=model, view=view, run=run)
