"""Imports run one way: the contracts in pyproject.toml hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_import_contracts() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "path", [*ROOT.glob("skiplint/**/*.py"), *ROOT.glob("rules/*.py")], ids=lambda p: p.stem
)
def test_modules_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_module_for_everything() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert vague.isdisjoint(path.stem for path in ROOT.glob("skiplint/**/*.py"))
