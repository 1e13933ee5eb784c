"""``skiplint config``: the settings in effect, and where each was set."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema

from skiplint.settings.toml_lines import lines_of_keys

Run = Callable[..., subprocess.CompletedProcess[str]]

PYPROJECT = '''\
[project]
name = "nets"
description = """
[tool.skiplint]
select = []
"""

[tool.skiplint]
fail-on = "error"
# What is meant here.
ignore = [
    "SKL305",
]
rules.plain-depth.limit = 30

[tool.skiplint.rules.deep-post-norm]

limit = 3

[[tool.skiplint.models]]
target = "a.py:Net"
'''

MODEL = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)

    def forward(self, x):
        y = self.a(x)
        return y + y
"""


def test_sources_with_their_lines(skiplint: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    done = skiplint("config", "--extend-select", "SKL306", SKIPLINT_IGNORE="SKL204")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    assert rows["select"] == ["select", "[]", "default"]
    assert rows["extend-select"] == ["extend-select", '["SKL306"]', "command", "line"]
    assert rows["ignore"][1:] == ['["SKL305",', '"SKL204"]', "pyproject.toml:11,", "SKIPLINT_IGNORE"]
    assert rows["fail-on"] == ["fail-on", '"error"', "pyproject.toml:9"]
    assert rows["rules.plain-depth.limit"][-1] == "pyproject.toml:14"
    assert rows["rules.deep-post-norm.limit"][-1] == "pyproject.toml:18"
    assert "SKL306" in done.stdout.splitlines()[-1]
    assert "SKL305" not in done.stdout.splitlines()[-1]


def test_as_json(skiplint: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    shown = json.loads(skiplint("config", "--output-format", "json", "--select", "SKL205").stdout)
    assert shown["file"] == str(tmp_path / "pyproject.toml")
    assert shown["rules"] == ["SKL205"]
    assert shown["settings"]["fail-on"] == {
        "value": "error",
        "from": [{"kind": "file", "name": "pyproject.toml", "line": 9}],
    }
    assert shown["settings"]["models"]["from"][0]["line"] == 20
    assert shown["settings"]["select"]["from"][0]["kind"] == "command line"
    assert shown["settings"]["ignore"] == {
        "value": [],
        "from": [{"kind": "default", "name": None, "line": None}],
    }


def test_without_any_file(skiplint: Run) -> None:
    shown = json.loads(skiplint("config", "--output-format", "json").stdout)
    assert {place["kind"] for entry in shown["settings"].values() for place in entry["from"]} == {"default"}


def test_the_targets_choose_the_file(skiplint: Run, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "skiplint.toml").write_text('fail-on = "info"')
    done = skiplint("config", "inner", "--output-format", "json")
    assert json.loads(done.stdout)["settings"]["fail-on"]["value"] == "info"


def test_a_variable_counts_in_a_run(skiplint: Run, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    assert skiplint("model.py", SKIPLINT_FAIL_ON="error").returncode == 0
    assert skiplint("model.py", "--fail-on", "warning", SKIPLINT_FAIL_ON="error").returncode == 1


def test_a_wrong_variable(skiplint: Run) -> None:
    done = skiplint("config", SKIPLINT_SELECT="SKL999")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("skiplint: error: SKIPLINT_SELECT: no rule matches 'SKL999'")


def test_the_schema(skiplint: Run) -> None:
    schema = json.loads(skiplint("config", "--schema").stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    assert "limit" in schema["properties"]["rules"]["properties"]["plain-depth"]["properties"]


def test_lines_of_an_own_file(tmp_path: Path) -> None:
    path = tmp_path / "skiplint.toml"
    path.write_text('"fail-on" = "error"\n[rules]\nplain-depth = {\n}\n'.replace("{\n}", "{}"))
    assert lines_of_keys(path) == {"fail-on": 1, "rules": 2, "rules.plain-depth": 3}
