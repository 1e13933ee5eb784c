"""action.yml: well formed, every input used, and its script run as GitHub would run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
INPUT = re.compile(r"inputs\.([\w-]+)")


def run(name: str, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """One step's script, in the shell and with the variables that GitHub gives it."""
    given = {key: entry["default"] for key, entry in ACTION["inputs"].items()} | {
        key.replace("_", "-"): value for key, value in inputs.items()
    }
    step = STEPS[name]
    own = {
        key: INPUT.sub(lambda match: given[match[1]], value).removeprefix("${{ ").removesuffix(" }}")
        for key, value in step["env"].items()
    }
    (folder / "temp").mkdir(exist_ok=True)
    script = folder / "temp" / "step.sh"
    script.write_text(step["run"])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "OMP_NUM_THREADS": "1",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(folder / "output.txt"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "RUNNER_TEMP": str(folder / "temp"),
            **own,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_a_composite_action() -> None:
    assert set(ACTION) == {"name", "description", "author", "branding", "inputs", "outputs", "runs"}
    assert ACTION["runs"]["using"] == "composite"
    for step in ACTION["runs"]["steps"]:
        assert ("run" in step) != ("uses" in step)
        assert step.get("shell") == ("bash" if "run" in step else None)
        # Text of a user in a script would be run by the shell.
        assert "${{" not in step.get("run", "")
        assert re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", step.get("uses", "a/b@v1"))


def test_every_input_is_described_and_used() -> None:
    for entry in ACTION["inputs"].values():
        assert set(entry) == {"description", "default"}
        assert isinstance(entry["default"], str)
    assert set(INPUT.findall(yaml.safe_dump(ACTION["runs"]))) == set(ACTION["inputs"])
    identifiers = {step["id"] for step in ACTION["runs"]["steps"] if "id" in step}
    assert set(re.findall(r"steps\.([\w-]+)\.", yaml.safe_dump(ACTION))) == identifiers


def test_every_output_is_written() -> None:
    written = set(re.findall(r'echo "([\w-]+)=', STEPS["Lint"]["run"]))
    assert written == set(ACTION["outputs"])


@pytest.mark.parametrize("name", ["docs/continuous-integration.md"])
def test_every_input_is_documented(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert all(f"| `{key}` |" in text for key in ACTION["inputs"])


def test_it_installs_itself(tmp_path: Path) -> None:
    done = run("Install skiplint", tmp_path, python="echo")
    assert done.stdout == f"-m pip install {ROOT}\n"


def test_findings_are_annotations_and_sarif(project: Path) -> None:
    done = run("Lint", project, python=sys.executable, targets="nets/bad.py\nnets/good.py:Good\n")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::warning file=nets/bad.py,line=11,")
    assert (project / "output.txt").read_text() == "exit-code=1\nsarif-file=skiplint.sarif\n"
    (sarif,) = json.loads((project / "skiplint.sarif").read_text())["runs"]
    assert [result["ruleId"] for result in sarif["results"]] == ["SKL205"]
    assert "SKL205" in (project / "summary.md").read_text()


def test_arguments_come_through_as_they_are(project: Path) -> None:
    """One a line, so that no shell takes the quotes of JSON away."""
    arguments = '--kwargs\n{"width": 8}\n--fail-on=error'
    inputs = {"targets": "nets/good.py:Needs", "arguments": arguments, "summary": "false"}
    done = run("Lint", project, python=sys.executable, **inputs)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert not (project / "summary.md").exists()


def test_a_wrong_argument_fails_the_step(project: Path) -> None:
    done = run("Lint", project, python=sys.executable, arguments="--select=SKL999")
    assert done.returncode == 2
    assert "no rule matches 'SKL999'" in done.stderr
    assert (project / "output.txt").read_text() == "exit-code=2\n"
