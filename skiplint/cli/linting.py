"""Lint from the command line: with a progress bar, worker processes and the cache."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from skiplint.cli import output
from skiplint.cli.isolation import RunOptions
from skiplint.cli.options import ModelArguments
from skiplint.cli.progress import progress
from skiplint.linting.registry import Registry
from skiplint.reporting.report import ModelReport, Report
from skiplint.run.check import check
from skiplint.run.request import Request
from skiplint.settings.precedence import Effective


def linted(
    request: Request,
    effective: Effective,
    registry: Registry,
    *,
    model: ModelArguments,
    run: RunOptions,
    draw: Callable[[ModelReport], str] | None = None,
    aloud: bool = False,
) -> Report:
    """The report of the models that ``request`` names.

    Args:
        request: the targets, and what to find out about each; the rest is filled in here.
        effective: the settings, and the file that they came from, beside which the cache is.
        registry: the rules to choose from.
        model: what to build the models with.
        run: limits, and whether the cache is used.
        draw: the text of each model that is done, which is printed at once, in order.
        aloud: show on stderr what the models print; else nobody sees it.

    Raises:
        UsageError: an option is not valid.
        ConfigError: a setting is not valid.
        WorkerError: worker processes cannot be started.
    """
    args, kwargs = model.parsed()
    request = msgspec.structs.replace(request, settings=effective.settings, args=args, kwargs=kwargs)
    workers, cache = run.workers(effective.settings, aloud=aloud), run.cache(effective)
    with output.stdout_to_stderr(aloud=aloud) as write:

        def show(report: ModelReport) -> None:
            if draw is not None:
                write(draw(report))

        with progress(show) as follower:
            return check(request, registry=registry, workers=workers, cache=cache, follower=follower)
