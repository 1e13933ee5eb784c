"""The hook, run by pre-commit itself from a repository on this disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_USER = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *identity, *words],
        cwd=folder,
        env={**os.environ, **NO_USER},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    """A repository with the files of this one that pre-commit reads."""
    folder = tmp_path / "skiplint-hooks"
    folder.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", folder)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "hooks")
    return folder


@pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit needs git")
def test_the_hook_finds_a_fault_and_then_none(project: Path, hooks: Path, tmp_path: Path) -> None:
    (project / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hooks}\n    rev: {git(hooks, 'rev-parse', 'HEAD')}\n    hooks:\n"
        "      - id: skiplint\n        files: ^nets/\n"
    )
    (project / ".gitignore").write_text("skiplint-hooks\ncache\nbin\n")
    git(project, "init", "-q")
    git(project, "add", "-A")
    # The hook's command is found on the PATH, as in an activated environment.
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "skiplint").write_text(f'#!/bin/sh\nexec {sys.executable} -m skiplint "$@"\n')
    (tools / "skiplint").chmod(0o755)

    def pre_commit() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"],
            cwd=project,
            env={
                **os.environ,
                **NO_USER,
                "PATH": f"{tools}:{os.environ['PATH']}",
                "PRE_COMMIT_HOME": str(tmp_path / "cache"),
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    failed = pre_commit()
    assert failed.returncode == 1, failed.stderr
    assert "nets/bad.py:11:" in failed.stdout
    assert "SKL205 degenerate-skip" in failed.stdout
    bad = project / "nets" / "bad.py"
    bad.write_text(bad.read_text().replace("return y + y", "return x + y"))
    git(project, "add", "-A")
    passed = pre_commit()
    assert passed.returncode == 0, passed.stdout
    assert "Passed" in passed.stdout
