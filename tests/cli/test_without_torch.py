"""What needs no model must not wait for torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUN = """
import sys
from skiplint.cli import main
try:
    main({words!r})
except SystemExit as end:
    assert not end.code, end.code
heavy = {{"torch", "networkx", "numpy"}} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["check", "--help"],
        ["rules"],
        ["rules", "--output-format", "json"],
        ["explain", "SKL205"],
        ["config"],
        ["config", "--schema"],
        ["init", "--help"],
    ],
    ids=" ".join,
)
def test_torch_stays_unimported(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(words=words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert done.stderr == ""
