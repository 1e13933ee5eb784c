"""What only a terminal shows: colour and the progress bar, in a real pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")

SLOW = """
import time
from torch import nn
time.sleep(1.5)
class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(2, 2))
"""


def at_terminal(folder: Path, *words: str, **environment: str) -> tuple[str, str]:
    """What a run writes to stdout, a pipe, and to stderr, a terminal."""
    ours, theirs = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR", "CI"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "skiplint", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**clean, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not piece:
            break
        seen += piece
    assert process.stdout is not None
    text = process.stdout.read()
    process.wait(60)
    os.close(ours)
    return text, seen.decode(errors="replace")


def test_a_bar_for_what_takes_longer_than_a_second(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    out, err = at_terminal(tmp_path, "slow.py", "--output-format", "concise")
    assert "starting" in err
    assert "\x1b[" in err
    assert out == ""


def test_the_bar_says_how_far_a_long_part_is(tmp_path: Path) -> None:
    source = (
        "import torch\nfrom torch import nn\n"
        + SLOW
        + "model = Net()\nexample_inputs = (torch.zeros(1, 2),)\n"
    )
    (tmp_path / "slow.py").write_text(source)
    _, err = at_terminal(tmp_path, "ablate", "slow.py:model", "--seeds", "3", COLUMNS="140")
    assert "slow.py:model" in err


def test_no_bar_in_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    done = subprocess.run(
        [sys.executable, "-m", "skiplint", "slow.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
