"""What the tests of several folders share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

Run = Callable[..., subprocess.CompletedProcess[str]]
_OF_THE_SHELL = {"NO_COLOR", "FORCE_COLOR", "PY_COLORS", "TERM", "COLUMNS", "LINES", "CI", "GITHUB_ACTIONS"}
"""Variables that a terminal or a CI sets and that programs adapt their output to."""


@pytest.fixture
def skiplint(tmp_path: Path) -> Run:
    """Run the command line as users do, in a process of its own and in an empty folder."""

    def run(*words: str, cwd: Path = tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "skiplint", *words],
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT end what the test starts.

    A shell lets its background jobs ignore SIGINT, and processes inherit that; a handler, though, becomes the
    default again in a new program.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_configure() -> None:
    """Take away what a shell or a CI sets, share the cores, and draw the same examples in every run."""
    for name in list(os.environ):
        if name in _OF_THE_SHELL or name.startswith("SKIPLINT_"):
            del os.environ[name]
    # Parallel workers share the cores: threads of all of them on every core wait for each other.
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    settings.register_profile(
        "the same",
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("the same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-readme", action="store_true", help="write the transcripts in README.md anew")
