"""The main command on small files, as users run it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import jsonschema
import pytest

Run = Callable[..., CompletedProcess[str]]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8"))

BLOCK = """\
import torch
from torch import nn




class Block(nn.Module):
    def __init__(self):
        super().__init__(); print("chatter of the user's module")
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        out = self.conv(x)
        return {join}{comment}
"""
GOOD = BLOCK.format(join="out + x", comment="")
BAD = BLOCK.format(join="out + out", comment="")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    (tmp_path / "empty.py").write_text("x = 1\n")
    return tmp_path


def test_a_good_model(files: Path, skiplint: Run) -> None:
    done = skiplint("good.py")
    assert done.returncode == 0, done.stderr
    assert "Block  good.py:7" in done.stdout
    assert "1 additive (1 identity)" in done.stdout
    assert done.stdout.endswith("1 model traced; no findings\n")


def test_a_bad_model(files: Path, skiplint: Run) -> None:
    done = skiplint("bad.py")
    assert done.returncode == 1
    assert "--> bad.py:14:16" in done.stdout
    assert "        return out + out\n" in done.stdout


def test_concise(files: Path, skiplint: Run) -> None:
    done = skiplint("check", "bad.py", "good.py", "--output-format", "concise")
    assert done.returncode == 1
    assert done.stdout == (
        "bad.py:14:16: SKL205 degenerate-skip "
        "add joins the output of conv with itself, so nothing is skipped\n"
    )


def test_json_is_alone_on_stdout_and_holds_to_the_schema(files: Path, skiplint: Run) -> None:
    done = skiplint("bad.py", "--output-format", "json")
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    assert [model["target"] for model in report["models"]] == ["bad.py:Block"]
    assert [finding["code"] for finding in report["findings"]] == ["SKL205"]
    assert done.stderr == ""
    assert "chatter of the user's module" in skiplint("bad.py", "--verbose", "--no-cache").stderr


@pytest.mark.parametrize("output_format", ["json", "sarif", "console"])
def test_two_runs_give_the_same_bytes(files: Path, skiplint: Run, output_format: str) -> None:
    first, second = (
        skiplint("bad.py", "--no-cache", "--output-format", output_format, PYTHONHASHSEED=seed).stdout
        for seed in "12"
    )
    assert first == second


def test_an_output_file(files: Path, skiplint: Run) -> None:
    done = skiplint("bad.py", "--output-format", "json", "-o", "report.json")
    assert (done.returncode, done.stdout) == (1, "")
    jsonschema.validate(json.loads((files / "report.json").read_text()), SCHEMA)
    assert sorted(path.name for path in files.glob(".report*")) == []


@pytest.mark.parametrize("words", [["--exit-zero"], ["--ignore", "degenerate-skip"]], ids=" ".join)
def test_flags_that_let_a_bad_model_pass(files: Path, skiplint: Run, words: list[str]) -> None:
    assert skiplint("bad.py", *words).returncode == 0


def test_a_suppression_with_a_reason(files: Path, skiplint: Run) -> None:
    comment = "  # skiplint: ignore[SKL205] doubling is meant"
    (files / "bad.py").write_text(BLOCK.format(join="out + out", comment=comment))
    (files / "good.py").write_text(BLOCK.format(join="out + x", comment=comment))
    done = skiplint("bad.py", "good.py", "--output-format", "concise")
    assert done.returncode == 1
    assert done.stdout == ("good.py:14:25: SKL001 unused-suppression nothing is suppressed here for SKL205\n")


def test_settings_of_the_project_and_of_the_command_line(files: Path, skiplint: Run) -> None:
    (files / "skiplint.toml").write_text(
        'ignore = ["SKL205"]\n[rules.plain-depth]\nlimit = 0\nseverity = "info"\n'
    )
    done = skiplint("bad.py", "--output-format", "json", "--fail-on", "info")
    assert done.returncode == 1
    assert [(item["code"], item["severity"]) for item in json.loads(done.stdout)["findings"]] == [
        ("SKL305", "info")
    ]
    assert "SKL205" in skiplint("bad.py", "--select", "SKL205", "--output-format", "concise").stdout


NOTHING_LINTED = (
    "skiplint: warning: nothing was linted: no model was found; name a model or a function that makes one, "
    "as in file.py:Net\n"
)


def test_a_file_without_a_model_is_a_note(files: Path, skiplint: Run) -> None:
    done = skiplint("empty.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "skiplint: note: no model in empty.py\n" + NOTHING_LINTED


def test_a_function_that_may_make_a_model_is_pointed_to(files: Path, skiplint: Run) -> None:
    (files / "zoo.py").write_text(
        "from torch.nn import Linear\n\n"
        "def _get(n):\n    return Linear(n, n)\n\n\n"
        "def tiny():\n    return _get(2)\n"
    )
    done = skiplint("zoo.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "skiplint: note: no model in zoo.py; if tiny makes one, name it, as in zoo.py:tiny\n" + NOTHING_LINTED
    )
    assert skiplint("zoo.py:tiny", "--exit-zero").stdout.startswith("tiny  zoo.py:7\n")


def test_one_target_that_fails_leaves_the_others(files: Path, skiplint: Run) -> None:
    done = skiplint("gone.py", "good.py", "--output-format", "json")
    assert done.returncode == 2
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    assert [model["status"] for model in report["models"]] == ["failed", "traced"]
    assert "gone.py" in done.stderr


def test_colour_when_asked_for(files: Path, skiplint: Run) -> None:
    assert "\x1b[" in skiplint("bad.py", "--color", "always").stdout


def test_quiet_shows_findings_only(files: Path, skiplint: Run) -> None:
    assert "parameters" not in skiplint("bad.py", "-q").stdout


def test_skips_alone(files: Path, skiplint: Run) -> None:
    done = skiplint("skips", "bad.py", "good.py")
    assert done.returncode == 0
    assert "Block  bad.py:7  none" in done.stdout
    assert "Block  good.py:7  1 additive (1 identity)" in done.stdout
    data = json.loads(skiplint("skips", "good.py", "--output-format", "json").stdout)
    jsonschema.validate(data, SCHEMA)
    assert data["models"][0]["skips"][0]["join_op"] == "add"


def test_a_rule_that_is_off_runs_beside_the_others_when_asked(files: Path, skiplint: Run) -> None:
    (files / "skiplint.toml").write_text('[per-file-ignores]\n"bad.py" = ["degenerate-skip"]\n')
    asked = skiplint("good.py", "bad.py", "--extend-select", "unjustified-skip", "--output-format", "concise")
    assert asked.returncode == 0, "an info is below the level that fails"
    assert asked.stdout.count("SKL601") == 1
    assert "SKL205" not in asked.stdout, "ignored in this file"
    assert "SKL601" not in skiplint("good.py", "--output-format", "concise").stdout
