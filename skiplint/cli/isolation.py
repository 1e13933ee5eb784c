"""Worker processes and the cache, as the options and settings ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from skiplint.analysis.memory.byte_sizes import parse_bytes
from skiplint.cli.failures import UsageError
from skiplint.cli.options import RUNNING, of_setting, option
from skiplint.run.cache import Cache, cache_folder
from skiplint.run.workers import Workers
from skiplint.settings.precedence import Effective
from skiplint.settings.settings import ConfigError, Settings


@dataclass(frozen=True)
class RunOptions:
    """How models are run. For an option that is None the setting counts."""

    jobs: Annotated[
        str | None,
        option(
            RUNNING,
            of_setting("jobs"),
            "--jobs",
            "-j",
            metavar="N",
        ),
    ] = None
    timeout: Annotated[
        float | None,
        option(
            RUNNING,
            of_setting("timeout"),
            metavar="SECONDS",
            min=0,
        ),
    ] = None
    memory_limit: Annotated[
        str | None,
        option(
            RUNNING,
            of_setting("memory_limit"),
            metavar="SIZE",
        ),
    ] = None
    no_cache: Annotated[
        bool,
        option(RUNNING, "Do not use cached results, and do not cache new ones.", "--no-cache"),
    ] = False

    def workers(self, settings: Settings, *, aloud: bool = False) -> Workers | None:
        """The worker processes to run the models in; None means in this process.

        Args:
            settings: count where there is no option.
            aloud: show on stderr what the models print.

        Raises:
            UsageError: an option is not valid.
            ConfigError: a setting is not valid.
        """
        count = settings.jobs if self.jobs is None else _job_count(self.jobs)
        if count == 0:
            return None
        try:
            size = self.memory_limit if self.memory_limit is not None else settings.memory_limit
            memory = None if size is None else 0 if size.strip() == "0" else parse_bytes(size)
        except ValueError as error:
            if self.memory_limit is None:
                raise ConfigError("", "memory-limit", str(error)) from None
            raise UsageError(f"--memory-limit: {error}") from None
        return Workers(
            jobs=0 if count == "auto" else count,
            timeout=settings.timeout if self.timeout is None else self.timeout,
            memory=memory,
            aloud=aloud,
        )

    def cache(self, effective: Effective) -> Cache | None:
        """The cache, next to the settings file; None with ``--no-cache`` or if the settings turn it off."""
        if self.no_cache or not effective.settings.cache:
            return None
        return Cache(cache_folder(effective.settings.cache_dir, effective.file))


def _job_count(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"--jobs must be a number or auto, not {text!r}")
    return int(text)
