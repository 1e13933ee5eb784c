"""``skiplint init``: the first settings, after a look at the project."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from skiplint.settings.settings import load_settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Run = Callable[..., subprocess.CompletedProcess[str]]

NETS = """\
from torch import nn


class Fine(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return x + self.layer(x)


class Needs(nn.Module):
    def __init__(self, dim, depth):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Linear(dim, dim) for _ in range(depth)])

    def forward(self, x):
        return x + self.layers(x)


class Cannot(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.layer = nn.Linear(spec.width, 3)

    def forward(self, x):
        return self.layer(x)
"""
PYPROJECT = '[project]  # ours\nname = "nets"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def test_guesses_are_listed_to_be_replaced(skiplint: Run, project: Path) -> None:
    done = skiplint("init")
    assert (done.returncode, done.stdout) == (0, "")
    said = "models that run as they are: 3 (2 with guessed arguments); entries to look at: 2\n"
    assert done.stderr.endswith(f"wrote pyproject.toml; {said}")
    text = (project / "pyproject.toml").read_text()
    assert text.startswith(PYPROJECT)
    assert (
        "\n# Needs runs with these arguments, which are guesses: put in those that you use.\n"
        "# [[tool.skiplint.models]]\n"
        '# target = "nets.py:Needs"\n'
        "# kwargs = {dim = 64, depth = 2}\n"
    ) in text
    assert "spec is an object, so write a function that returns the model" in " ".join(text.split("\n# "))
    assert load_settings(project / "pyproject.toml").models == ()


def test_every_model_runs_or_has_an_entry(skiplint: Run, project: Path) -> None:
    """What skiplint cannot find out by itself is listed, with what was tried and why it fails."""
    (project / "broken.py").write_text(NETS + "def f(:\n")
    (project / "table.py").write_text(NETS.replace("return x + self.layer(x)", "return x[self.missing]"))
    before = {model["target"]: model["status"] for model in checked(skiplint)}
    assert skiplint("init").returncode == 0
    text = (project / "pyproject.toml").read_text()
    lost = {target for target, status in before.items() if status != "traced"}
    assert {"broken.py", "table.py:Fine"} <= lost
    assert all(target in text for target in lost)
    assert "syntax error" in text
    active = {entry["target"] for entry in tomllib.loads(text)["tool"]["skiplint"].get("models", [])}
    assert active <= lost
    after = {model["target"]: model["status"] for model in checked(skiplint)}
    assert {target for target, status in after.items() if status != "traced"} == lost - active


def test_the_models_are_run_with_the_limits_of_check(skiplint: Run, project: Path) -> None:
    """A model that ends its process takes neither the others nor skiplint with it."""
    (project / "crash.py").write_text(NETS.replace("return x + self.layer(x)", "import os; os._exit(3)"))
    done = skiplint("init")
    assert done.returncode == 0
    text = (project / "pyproject.toml").read_text()
    assert "it ended its process (exit code 3)" in " ".join(line.strip("# ") for line in text.splitlines())


def checked(skiplint: Run) -> list[dict[str, str]]:
    models: list[dict[str, str]] = json.loads(skiplint(".", "--output-format", "json").stdout)["models"]
    return models


def test_a_project_without_a_pyproject(skiplint: Run, tmp_path: Path) -> None:
    assert skiplint("init").returncode == 0
    assert load_settings(tmp_path / "skiplint.toml").models == ()


def test_a_dry_run_writes_nothing(skiplint: Run, project: Path) -> None:
    before = sorted(path.name for path in project.iterdir())
    done = skiplint("init", "--dry-run")
    assert done.stdout.startswith(PYPROJECT)
    assert "[tool.skiplint]" in done.stdout
    assert (project / "pyproject.toml").read_text() == PYPROJECT
    assert [
        name for name in sorted(path.name for path in project.iterdir()) if name != "__pycache__"
    ] == before


def test_settings_are_not_overwritten_unasked(skiplint: Run, tmp_path: Path) -> None:
    old = PYPROJECT + '\n[tool.skiplint]\nfail-on = "info"  # on purpose\n'
    path = tmp_path / "pyproject.toml"
    path.write_text(old)
    path.chmod(0o600)
    refused = skiplint("init")
    assert refused.returncode == 2
    assert "pyproject.toml has settings already" in refused.stderr
    assert path.read_text() == old
    assert skiplint("init", "--force").returncode == 0
    assert 'fail-on = "warning"' in path.read_text()
    assert (tmp_path / "pyproject.toml.bak").read_text() == old
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_toml_stays(skiplint: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    done = skiplint("init")
    assert done.returncode == 2
    assert done.stderr.startswith("skiplint: error: pyproject.toml: is not valid TOML")
    assert (tmp_path / "pyproject.toml").read_text() == "[project\n"
