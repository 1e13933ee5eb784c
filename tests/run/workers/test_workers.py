"""Worker processes as a whole: same results, clean ends, plain words for what cannot be done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skiplint.analysis.analysis import Analysis
from skiplint.linting.finding import Finding, Severity
from skiplint.linting.registry import Registry
from skiplint.linting.rule import Rule
from skiplint.run.check import check
from skiplint.run.request import Request
from skiplint.run.workers import WorkerError, Workers
from skiplint.run.workers.deaths import how_it_ended, place_in, ran_out_of_memory

ROOT = Path(__file__).parents[3]
Run = Callable[..., subprocess.CompletedProcess[str]]

BLOCK = """\
import ctypes, os, sys, time
from torch import nn

class Block(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        {forward}
        return x + self.fc(x)
"""
GOOD = BLOCK.format(forward="pass")
SEGFAULT = BLOCK.format(forward="ctypes.string_at(0)")
# Beside Python's own stderr, which is silent while inputs are tried.
ENDLESS = BLOCK.format(forward="os.write(2, b'here\\n'); time.sleep(1000)")


def test_parallel_serial_and_without_workers_are_the_same(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "examples").mkdir()
    for name in ("mismatched_unet.py", "unet.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path / "examples")
    package = tmp_path / "nets"
    package.mkdir()
    (package / "__init__.py").write_text("from .block import Block\n")
    (package / "block.py").write_text(GOOD.replace("width=4", "width"))
    (package / "net.py").write_text("from nets import Block\nnet = Block(8)  # skiplint: ignore\n")
    (package / "broken.py").write_text(GOOD + "def f(:\n")
    words = ["examples", "nets", "nets/net.py", "--output-format", "json", "--no-cache"]
    runs = [skiplint(*words, "-j", jobs) for jobs in ("0", "1", "3")]
    assert {done.returncode for done in runs} == {2}
    without, serial, parallel = [done.stdout for done in runs]
    assert without == serial == parallel
    assert len({done.stderr for done in runs}) == 1
    targets = [model["target"] for model in json.loads(runs[0].stdout)["models"]]
    assert targets[-2:] == ["nets/block.py:Block", "nets/broken.py"]


@pytest.mark.parametrize("fork", [False, True])
def test_started_or_forked(in_tmp_path: Path, fork: bool) -> None:
    if fork and sys.platform != "linux":
        pytest.skip("only Linux forks")
    (in_tmp_path / "bad.py").write_text(SEGFAULT + GOOD.replace("class Block", "class Good"))
    (in_tmp_path / "good.py").write_text(GOOD)
    report = check(Request(["bad.py", "good.py"]), workers=Workers(jobs=1, fork=fork))
    assert [(model.target, model.status) for model in report.models] == [
        ("bad.py:Block", "failed"),
        ("bad.py:Good", "traced"),
        ("good.py:Block", "traced"),
    ]
    assert "segmentation fault" in str(report.models[0].reason) or sys.platform == "win32"


def alive(tag: int) -> list[int]:
    """Process ids of the workers of the run that was started with ``tag`` in its environment."""
    mark = f"TEST_RUN={tag}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if b"skiplint.run.workers.child" in text and mark in environment and state != "Z":
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM], ids=lambda n: n.name)
def test_no_worker_outlives_the_parent(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    tag = time.time_ns()
    command = [sys.executable, "-m", "skiplint", "endless.py", "--timeout", "0", "--no-cache", "--verbose"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "TEST_RUN": str(tag), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line == "here\n":
                break
        assert len(alive(tag)) == 2  # The one that watches and the one that works.
        process.send_signal(number)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    patience = time.monotonic() + 20
    while alive(tag) and time.monotonic() < patience:
        time.sleep(0.05)
    assert alive(tag) == []
    assert process.returncode != 0


def test_torch_cannot_be_imported(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "model.py").write_text(GOOD)
    (tmp_path / "broken" / "torch").mkdir(parents=True)
    (tmp_path / "broken" / "torch" / "__init__.py").write_text("raise ImportError('libcuda is gone')\n")
    done = skiplint("model.py", PYTHONPATH=str(tmp_path / "broken"))
    assert done.returncode == 2
    first = done.stderr.splitlines()[0]
    assert first == ("skiplint: error: a worker process failed to start: ImportError: libcuda is gone")


def test_what_cannot_be_sent_to_a_process(in_tmp_path: Path) -> None:
    class LocalRule(Rule):
        """Of a function, so that no other process can import it."""

        code = "TST999"
        name = "local-rule"
        severity = Severity.INFO

        def check(self, analysis: Analysis) -> Iterator[Finding]:
            yield from ()

    (in_tmp_path / "model.py").write_text(GOOD)
    with pytest.raises(WorkerError, match="plain values"):
        check(Request(["model.py:Block"], args=[object()]), workers=Workers())
    with pytest.raises(WorkerError, match="TST999"):
        check(Request(["model.py:Block"]), registry=Registry((LocalRule,)), workers=Workers())


def test_settings_and_options(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "model.py").write_text(GOOD)
    for words, said in [
        (["--jobs", "many"], "--jobs must be a number or auto, not 'many'"),
        (["--memory-limit", "lots"], "--memory-limit: 'lots' is no size in bytes such as 16GiB or 500MB"),
    ]:
        done = skiplint("model.py", *words)
        assert done.returncode == 2
        assert done.stderr == f"skiplint: error: {said}\n"


def test_number_of_processes() -> None:
    assert Workers(jobs=3).count(2) == 2
    assert Workers(jobs=3).count(9) == 3
    assert Workers().count(1) == 1
    assert Workers().count(10**6) <= (os.cpu_count() or 1)


def test_deaths() -> None:
    assert how_it_ended(-11) == "its process was killed by signal 11 (segmentation fault)"
    assert how_it_ended(7) == "it ended its process (exit code 7)"


def test_an_error_that_follows_from_a_lack_of_memory_is_one() -> None:
    other = RuntimeError("the layer has no buffer")
    assert not ran_out_of_memory(other)
    other.__context__ = MemoryError()
    assert ran_out_of_memory(other)
    assert ran_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))


def test_the_place_is_the_users_own_innermost_line(tmp_path: Path) -> None:
    library = Path(os.__file__)
    trace = (
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x1 (most recent call first):\n"
        f'  File "{library}", line 5 in inside\n  File "{tmp_path}/blocks.py", line 7 in forward\n'
        f'  File "{tmp_path}/model.py", line 9 in forward\n'
    )
    assert place_in(trace, f"{tmp_path}/blocks.py") == ", in line 7"
    assert place_in(trace, f"{tmp_path}/model.py") == f", at {tmp_path}/blocks.py:7"
    assert place_in("", "model.py") == ""
