"""The rule pack in examples/, installed beside skiplint and used as its users would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACK = Path(__file__).parents[2] / "examples" / "skiplint-teampack"
Run = Callable[..., subprocess.CompletedProcess[str]]

MODEL = """\
import torch
from torch import nn


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(torch.relu(layer(features[-1])))
        return torch.cat(features, dim=1)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the pack was installed; a copy is built, so that nothing is left in the tree."""
    folder = tmp_path_factory.mktemp("pack")
    source = shutil.copytree(PACK, folder / "source")
    target = folder / "site"
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(source)],
        check=True,
        capture_output=True,
        text=True,
    )
    return target


@pytest.fixture
def environment(installed: Path) -> dict[str, str]:
    path = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(installed), *([path] if path else [])])}


def test_its_rules_run(tmp_path: Path, skiplint: Run, environment: dict[str, str]) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    (tmp_path / "skiplint.toml").write_text('[rules.wide-concatenation]\nlimit = 2\nseverity = "error"\n')
    done = skiplint("net.py", "--output-format", "json", **environment)
    assert done.returncode == 1, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["code"], finding["severity"]) == ("TEAM101", "error")
    place = {"path": "net.py", "line": 14, "column": 16, "end_line": 14, "end_column": 42}
    assert finding["location"] == place
    assert finding["message"] == "cat joins 4 tensors"
    assert finding["expected"] == "at most 2"


def test_its_rules_are_listed_and_explained(skiplint: Run, environment: dict[str, str]) -> None:
    listed = json.loads(skiplint("rules", "--output-format", "json", **environment).stdout)
    assert {"TEAM101", "TEAM102"} <= {rule["code"] for rule in listed}
    explained = skiplint("explain", "wide-concatenation", **environment)
    assert "Our accelerator copies every operand" in explained.stdout
    assert skiplint("explain", "TEAM101").returncode == 2, "only where the pack is installed"


def test_its_own_tests_pass(installed: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(installed.parent / "source")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=installed.parent,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
