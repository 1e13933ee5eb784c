"""The GitLab job: its reports are the files that its script writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import yaml

from skiplint.settings.precedence import environment_table

TEMPLATE = Path(__file__).parents[2] / "ci" / "gitlab" / "skiplint.yml"
JOB: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["skiplint"]


def test_its_variables_are_no_settings() -> None:
    """Variables of this prefix are settings, and a name like one of them would be an error."""
    assert environment_table(JOB["variables"]) == {}


def test_the_script_writes_the_reports(project: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, line in (
        ("pip", 'echo "$@" > installed.txt'),
        ("skiplint", f'{sys.executable} -m skiplint "$@"'),
    ):
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)
    assert shutil.which("bash")
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(JOB["script"])],
        cwd=project,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", **JOB["variables"]}
        | {"SKIPLINT_TARGETS": "nets/bad.py", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert (project / "installed.txt").read_text() == "install skiplint\n"
    reports = JOB["artifacts"]["reports"]
    (issue,) = json.loads((project / reports["codequality"]).read_text())
    assert issue["check_name"].startswith("SKL205") or "SKL205" in json.dumps(issue)
    assert issue["location"]["path"] == "nets/bad.py"
    assert ET.parse(project / reports["junit"]).getroot().tag == "testsuites"
    assert JOB["artifacts"]["when"] == "always"
