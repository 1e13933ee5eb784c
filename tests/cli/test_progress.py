"""What a run says that it is at."""

from __future__ import annotations

import time

import pytest

from skiplint.cli import progress as module
from skiplint.cli.progress import Standing, progress


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_files_of_a_folder() -> None:
    clock = Clock()
    standing = Standing(clock)
    assert str(standing) == "starting"
    standing.planned(3, "file")
    standing.found(2)
    standing.working("a.py:Net", "it was built")
    assert str(standing) == "0 of 3 files, a.py:Net"
    clock.seconds = 12
    standing.working("a.py:Net", "its forward ran")
    assert str(standing) == "0 of 3 files, a.py:Net (12 s)"
    standing.working("b.py:Net", "it was built")
    assert str(standing) == "0 of 3 files, a.py:Net (12 s)"  # The one that has taken longest.
    standing.done("a.py:Net", "failed")
    standing.unit_done()
    assert str(standing) == "1 of 3 files, 1 failed, b.py:Net"


def test_models_of_one_file() -> None:
    standing = Standing(Clock())
    standing.planned(1, "target")
    standing.found(20)
    standing.done("a.py:A", "traced")
    assert str(standing) == "1 of 20 models"


def test_lines_in_a_log_come_only_from_a_slow_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(seconds: float) -> list[str]:
        with progress() as follower:
            follower.planned(2, "file")
            time.sleep(seconds)
        return capsys.readouterr().err.splitlines()

    assert said(0.0) == []
    monkeypatch.setattr(module, "FIRST_LINE", 0.2)
    lines = said(1.0)  # After 0.2 s and 0.6 s; the next would come after 1.4 s.
    assert 1 <= len(lines) <= 2
    assert set(lines) <= {"skiplint: after 0 s: 0 of 2 files", "skiplint: after 1 s: 0 of 2 files"}
