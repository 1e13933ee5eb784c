"""Ctrl-C, SIGTERM and a time limit from outside: the report of what is done, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

import pytest

from tests.run.workers.test_workers import alive

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="sends signals"),
    pytest.mark.usefixtures("interruptible"),
]

NET = """\
import ctypes, sys, time
from torch import nn

class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        {forward}
        return x + self.fc(x)
"""
TAG = time.time_ns()
ENDLESS = "ctypes.CDLL(None).prctl(15, b'here'); time.sleep(1000)"
"""Names its process, since what a model prints is not shown."""


def write(folder: Path, **forwards: str) -> None:
    """A file for each model; the name of the file is that of the model in small letters."""
    for name, forward in forwards.items():
        (folder / f"{name.lower()}.py").write_text(NET.format(name=name, forward=forward))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two models that are done at once, one that never ends, and one after it."""
    write(tmp_path, A="pass", B="pass", C=ENDLESS, D="pass")
    return tmp_path


@contextmanager
def running(
    folder: Path,
    *words: str,
    options: Sequence[str] = ("-j", "1", "--timeout", "0", "--no-cache"),
    stdout: int | IO[str] = subprocess.PIPE,
) -> Iterator[subprocess.Popen[str]]:
    """A run that has come to the endless model."""
    while _is_there():  # that of the test before
        time.sleep(0.02)
    process = subprocess.Popen(
        [sys.executable, "-m", "skiplint", *words, *options],
        cwd=folder,
        env={**os.environ, "TEST_RUN": str(TAG), "OMP_NUM_THREADS": "1"},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not _is_there() and process.poll() is None:
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


def _is_there() -> bool:
    mark = f"TEST_RUN={TAG}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "comm").read_text() == "here\n" and mark in (folder / "environ").read_bytes():
                return True
    return False


def nothing_is_left() -> bool:
    patience = time.monotonic() + 20
    while alive(TAG) and time.monotonic() < patience:
        time.sleep(0.05)
    return alive(TAG) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_report_of_what_is_done(folder: Path, number: signal.Signals, code: int) -> None:
    outputs = ["--output", "json:out.json", "--output", "junit:out.xml"]
    with running(folder, ".", *outputs) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert [line.split()[0] for line in out.splitlines() if ".py:" in line] == ["A", "B"]
    assert out.splitlines()[-1] == "2 models traced; no findings; partial: interrupted after 2 of 4 files"
    assert err == ""
    written = json.loads((folder / "out.json").read_text())
    assert written["partial"] is True
    assert [model["target"] for model in written["models"]] == ["a.py:A", "b.py:B"]
    assert ET.parse(folder / "out.xml").getroot().get("errors") == "1"
    assert nothing_is_left()


def test_what_stands_on_stdout_is_valid(folder: Path) -> None:
    with running(folder, ".", "--output-format", "json") as process:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert len(json.loads(out)["models"]) == 2
    assert err == "skiplint: error: interrupted after 2 of 4 files; the report is partial\n"


def test_without_worker_processes(folder: Path) -> None:
    with running(folder, ".", options=("-j", "0")) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.endswith("partial: interrupted after 2 of 4 files\n")
    assert err == ""


def test_models_of_one_file_count_too(tmp_path: Path) -> None:
    parts = [NET.format(name=name, forward=forward) for name, forward in (("A", "pass"), ("B", ENDLESS))]
    (tmp_path / "nets.py").write_text("\n".join(parts))
    with running(tmp_path, "nets.py") as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert out.endswith("1 model traced; no findings; partial: interrupted after 1 of 2 models\n")


def test_each_model_is_printed_as_soon_as_it_is_done(folder: Path) -> None:
    """A and B stand there while C still runs."""
    with (folder / "out.txt").open("w") as file, running(folder, ".", stdout=file):
        text = (folder / "out.txt").read_text()
    assert [line.split()[0] for line in text.splitlines() if ".py:" in line] == ["A", "B"]


def test_before_there_is_anything_to_report(tmp_path: Path) -> None:
    write(tmp_path, A=ENDLESS)
    with running(tmp_path, "skips", "a.py") as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "skiplint: error: interrupted after 0 of 1 model; the report is partial\n"


def test_init_writes_nothing(folder: Path) -> None:
    with running(folder, "init", options=()) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "skiplint: error: interrupted\n"
    assert not (folder / "skiplint.toml").exists()
    assert nothing_is_left()


def test_one_request_may_come_as_two_signals(folder: Path) -> None:
    """`timeout` tells the process, and then the group that it is in."""
    with running(folder, ".") as process:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert out.endswith("partial: interrupted after 2 of 4 files\n")
    assert err == ""
