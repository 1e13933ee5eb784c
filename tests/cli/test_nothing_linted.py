"""A run that linted nothing says so, why, and what to do; ``--strict`` makes it fail."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

# What `spec` is, nothing says.
NEEDS = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        if type(spec).__name__ != "Spec":
            raise TypeError("no Spec")
        self.fc = nn.Linear(spec.width, 3)

    def forward(self, x):
        return self.fc(x)
"""
SKIPPED = (
    "skiplint: warning: nothing was linted: 1 model found, and nothing says how to build it; `skiplint init` "
    "writes the entries to fill in, and --strict makes this an error\n"
)


@pytest.fixture
def needs(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NEEDS)
    return tmp_path


@pytest.mark.usefixtures("needs")
def test_a_model_that_cannot_be_built(skiplint: Run) -> None:
    done = skiplint(".")
    assert (done.returncode, done.stderr) == (0, SKIPPED)
    assert done.stdout.splitlines()[-1] == "0 models traced, 1 skipped; nothing was linted"


@pytest.mark.usefixtures("needs")
def test_strict(skiplint: Run) -> None:
    done = skiplint(".", "--strict")
    assert done.returncode == 2
    assert done.stderr == (
        "skiplint: error: 1 model was skipped, and --strict is on; "
        "`skiplint init` writes the entries to fill in\n"
    )


def test_strict_as_a_setting(needs: Path, skiplint: Run) -> None:
    (needs / "pyproject.toml").write_text("[tool.skiplint]\nstrict = true\n")
    assert skiplint(".").returncode == 2


def test_a_file_without_a_model_never_fails(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "util.py").write_text("import no_such_module\nx = 1\n")
    done = skiplint("util.py", "--strict")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == (
        "skiplint: warning: nothing was linted: no model was found; name a model or a function that makes "
        "one, as in file.py:Net"
    )


def test_a_file_that_cannot_be_read_carries_its_path(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "net.py").write_text(NEEDS + "def f(:\n")
    for target in (".", "net.py"):
        done = skiplint(target, "--output-format", "github")
        assert done.returncode == 2
        assert done.stdout.startswith("::error file=net.py,line=")
