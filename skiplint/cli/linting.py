"""Lint from the command line: with a progress bar, worker processes and the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skiplint.cli import output
from skiplint.cli.isolation import RunOptions
from skiplint.cli.options import ModelArguments
from skiplint.cli.progress import progress
from skiplint.linting.registry import Registry
from skiplint.reporting.report import Report
from skiplint.run.check import check
from skiplint.run.running import Running
from skiplint.settings.precedence import Effective


def linted(
    targets: Sequence[str],
    effective: Effective,
    registry: Registry,
    *,
    model: ModelArguments,
    run: RunOptions,
    running: Running = Running(),  # noqa: B008 - frozen
    texts: Mapping[str, str] | None = None,
) -> Report:
    """The report of the models that ``targets`` name. What they print goes to stderr.

    Args:
        targets: what the user typed.
        effective: the settings, and the file that they came from, beside which the cache is.
        registry: the rules to choose from.
        model: what to build the models with.
        run: limits, and whether the cache is used.
        running: how the models are run, if not as they are meant.
        texts: by path, what files are imported as if they held.

    Raises:
        UsageError: an option is not valid.
        ConfigError: a setting is not valid.
        WorkerError: worker processes cannot be started.
    """
    args, kwargs = model.parsed()
    workers, cache = run.workers(effective.settings), run.cache(effective)
    with output.stdout_to_stderr(), progress() as next_model:
        return check(
            targets,
            effective.settings,
            args=args,
            kwargs=kwargs,
            registry=registry,
            progress=next_model,
            running=running,
            workers=workers,
            cache=cache,
            texts=texts,
        )
