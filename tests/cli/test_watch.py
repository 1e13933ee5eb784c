"""``--watch`` with a real process: edits of the file and of what it imports take effect, Ctrl-C ends it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_diff import PART, USER
from tests.conftest import Run

pytest.importorskip("watchfiles")
PATIENCE = 90
"""Seconds until a line must have come, on a machine that is busy."""


class Watching:
    """A running ``skiplint --watch``, its lines as they come."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "skiplint", *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def until_watching(self) -> list[str]:
        """The lines of one run."""
        lines = []
        while True:
            line = self._lines.get(timeout=PATIENCE)
            if line.startswith("skiplint: watching"):
                return [*lines, line]
            lines.append(line)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    (tmp_path / "part.py").write_text(PART.format(other="x"))
    (tmp_path / "user.py").write_text(USER)
    started = Watching(tmp_path, "user.py", "--watch", "--output-format", "concise")
    yield started
    started.process.kill()
    started.process.wait()


@pytest.mark.usefixtures("interruptible")
def test_edits_take_effect_until_ctrl_c(tmp_path: Path, watching: Watching) -> None:
    assert watching.until_watching() == ["skiplint: watching 2 files; Ctrl-C ends\n"]
    (tmp_path / "unrelated.py").write_text("x = 1\n")
    (tmp_path / "part.py").write_text(PART.format(other="out"))
    first, last = watching.until_watching()
    assert first.startswith("part.py:11")
    # As editors save: a new file in the place of the old one.
    (tmp_path / "new").write_text(PART.format(other="x"))
    (tmp_path / "new").replace(tmp_path / "part.py")
    assert watching.until_watching() == [last]
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(PATIENCE) == 130


def test_nothing_of_the_users_to_watch(skiplint: Run) -> None:
    done = skiplint("torch.nn:Linear", "--watch")
    assert done.returncode == 2
    assert "--watch has nothing to watch" in done.stderr
    assert done.stderr.count("\n") == 1
