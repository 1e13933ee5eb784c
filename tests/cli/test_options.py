"""Options are declared once: the same name means the same in every command."""

from __future__ import annotations

import inspect
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import typer

from skiplint.cli.app import COMMANDS, app
from skiplint.settings.settings import Settings
from skiplint.sources.field_docs import field_docs
from tests.conftest import Run

RUN_MODELS = ("check", "skips", "paths", "memory", "ablate", "report")
OWN = {
    ("check", "output_format"),  # it has formats that the views have not
    ("check", "batch"),  # of the training that is to fit into a budget
    ("report", "output_file"),  # of the page
    ("config", "targets"),  # may be left out
}

BLOCK = """\
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return x + self.conv(x)
"""


def parameters(name: str) -> list[Any]:
    return typer.main.get_command(app).commands[name].params  # type: ignore[attr-defined]


def test_a_name_has_one_help_text_and_one_type() -> None:
    found: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for command in COMMANDS:
        for each in parameters(command):
            if (command, each.name) not in OWN:
                meaning = each.help.partition("  [default: ")[0]
                found[each.name].add((tuple(each.opts), meaning, each.metavar))
    assert {name: declared for name, declared in found.items() if len(declared) > 1} == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_take_objects(name: str) -> None:
    assert len(inspect.signature(COMMANDS[name]).parameters) <= 12


@pytest.mark.parametrize("name", RUN_MODELS)
def test_what_runs_models_has_limits(name: str) -> None:
    names = {each.name for each in parameters(name)}
    assert {"jobs", "timeout", "memory_limit", "no_cache", "args", "kwargs", "config"} <= names


@pytest.mark.parametrize("name", ["jobs", "timeout", "memory_limit", "fail_on"])
def test_an_option_of_a_setting_has_its_words(name: str) -> None:
    (option,) = [each for each in parameters("check") if each.name == name]
    assert option.help.partition("  [default: ")[0] == field_docs(Settings)[name]


def test_a_view_takes_the_limits(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "block.py").write_text(BLOCK, encoding="utf-8")
    done = skiplint("skips", "block.py", "--jobs", "0", "--no-cache")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 additive" in done.stdout
    assert not (tmp_path / ".skiplint_cache").exists()
    wrong = skiplint("skips", "block.py", "--jobs", "many")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "skiplint: error: --jobs must be a number or auto, not 'many'\n"
    limit = skiplint("paths", "block.py", "--memory-limit", "much")
    assert limit.stderr.startswith("skiplint: error: --memory-limit: ")
