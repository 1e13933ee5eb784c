"""``skiplint clean``: remove the cache."""

from __future__ import annotations

from pathlib import Path

import typer

from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.cli import options
from skiplint.cli.failures import UsageError
from skiplint.run.cache import Cache, cache_folder
from skiplint.settings.precedence import effective_settings
from skiplint.sources.paths import shown


def clean(config: options.ConfigFile = None) -> None:
    """Remove the cache of the project in the working directory.

    Only files that skiplint wrote are removed. The cache is in `.skiplint_cache` next to the configuration
    file, or where the setting `cache-dir` or the variable `SKIPLINT_CACHE_DIR` says.

    **Examples**

    `skiplint clean`
    """
    effective = effective_settings(config=config, start=Path.cwd())
    cache = Cache(cache_folder(effective.settings.cache_dir, effective.file))
    try:
        count, size = cache.clear()
    except OSError as error:
        raise UsageError(f"cannot remove {error.filename}: {error.strerror or error}") from None
    results = "1 result" if count == 1 else f"{count} results"
    typer.echo(f"removed {results}, {byte_size(size)}, from {shown(cache.folder)}")
