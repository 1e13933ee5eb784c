"""From options and settings to worker processes and the cache."""

from __future__ import annotations

from typing import Literal

from skiplint.analysis.memory.byte_sizes import parse_bytes
from skiplint.cli.failures import UsageError
from skiplint.run.cache import Cache, cache_folder
from skiplint.run.workers import Workers
from skiplint.settings.precedence import Effective
from skiplint.settings.settings import ConfigError, Settings


def workers_for(
    settings: Settings,
    jobs: str | None = None,
    timeout: float | None = None,
    memory_limit: str | None = None,
) -> Workers | None:
    """How to run the models; None means in this process. An option that is None leaves it to the settings.

    Raises:
        UsageError: an option that means nothing.
        ConfigError: a setting that means nothing.
    """
    count = settings.jobs if jobs is None else _job_count(jobs)
    if count == 0:
        return None
    try:
        size = memory_limit if memory_limit is not None else settings.memory_limit
        memory = None if size is None else 0 if size.strip() == "0" else parse_bytes(size)
    except ValueError as error:
        if memory_limit is None:
            raise ConfigError("", "memory-limit", str(error)) from None
        raise UsageError(f"--memory-limit: {error}") from None
    return Workers(
        jobs=0 if count == "auto" else count,
        timeout=settings.timeout if timeout is None else timeout,
        memory=memory,
    )


def _job_count(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"--jobs must be a number or auto, not {text!r}")
    return int(text)


def cache_for(effective: Effective, *, wanted: bool = True) -> Cache | None:
    """The cache beside the file that the settings came from; None where none is wanted."""
    if not wanted or not effective.settings.cache:
        return None
    return Cache(cache_folder(effective.settings.cache_dir, effective.file))
