"""``--diff BASE``: only what changed, and what imports it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run

PART = """\
import torch
from torch import nn

class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        out = self.conv(x)
        return out + {other}
"""
USER = """\
from torch import nn
from part import Part

class User(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = Part()

    def forward(self, x):
        return self.part(x)
"""
OTHER = PART.replace("Part", "Other").format(other="out")


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """``user.py`` imports ``part.py``; ``other.py`` has a fault of long standing."""
    (tmp_path / "part.py").write_text(PART.format(other="x"))
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "other.py").write_text(OTHER)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_nothing_changed(repository: Path, skiplint: Run) -> None:
    done = skiplint(".", "--diff", "HEAD")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "skiplint: note: nothing in . changed since HEAD, so nothing was linted\n"


def test_a_change_concerns_those_who_import_it(repository: Path, skiplint: Run) -> None:
    (repository / "part.py").write_text(PART.format(other="out"))
    done = skiplint(".", "--diff", "HEAD", "--output-format", "concise", "--output", "json:all.json")
    assert done.returncode == 1
    # The fault as a model of its own and as a part of another; the old fault of other.py is not shown.
    assert done.stdout.count("part.py:11") == 1
    assert "(and at 1 more node)" in done.stdout
    assert "other.py" not in done.stdout
    report = (repository / "all.json").read_text()
    assert '"user.py:User"' in report
    assert '"other.py:Other"' not in report


def test_untracked_files_are_new(repository: Path, skiplint: Run) -> None:
    (repository / "fresh.py").write_text(OTHER.replace("Other", "Fresh"))
    done = skiplint("fresh.py", "other.py", "--diff", "HEAD", "--output-format", "concise")
    assert done.stdout.startswith("fresh.py:11")
    assert "other.py" not in done.stdout


def test_committed_changes_count_from_the_base(repository: Path, skiplint: Run) -> None:
    (repository / "other.py").write_text(OTHER + "\n# changed\n")
    git(repository, "commit", "-qam", "two")
    assert skiplint("other", "--diff", "HEAD", "--output-format", "concise").stdout == ""
    assert "other.py:11" in skiplint("other", "--diff", "HEAD~1", "--output-format", "concise").stdout


def test_a_typing_error_is_still_one(repository: Path, skiplint: Run) -> None:
    done = skiplint("gone.py", "--diff", "HEAD")
    assert done.returncode == 2
    assert "gone.py: no such file" in done.stderr


@pytest.mark.parametrize("base", ["nope", "--all"])
def test_a_revision_that_is_none(repository: Path, skiplint: Run, base: str) -> None:
    done = skiplint("part.py", f"--diff={base}")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--diff {base}: git knows no revision" in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_repository_and_no_git(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "part.py").write_text(PART.format(other="x"))
    done = skiplint("part.py", "--diff", "HEAD", GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is in no git repository" in done.stderr
    done = skiplint("part.py", "--diff", "HEAD", PATH="/nonexistent")
    assert done.returncode == 2
    assert "git cannot be run (No such file or directory)" in done.stderr
