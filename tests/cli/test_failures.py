"""Bad input: one readable message on stderr, exit 2, and the user's traceback only with --verbose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]

FORWARD = """\
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {init}
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        {forward}
        return self.fc(x)
"""


def net(init: str = "pass", forward: str = "pass") -> str:
    return FORWARD.format(init=init, forward=forward)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(:\n", ["model.py", "1"]),
        ("import no_such_module\n" + net(forward="x = no_such_module.f(x)"), ["model.py", "no_such_module"]),
        ("1 / 0\n" + net(), ["model.py", "ZeroDivisionError"]),
        (net(init="raise ValueError('no luck')"), ["model.py", "no luck"]),
        (net(forward="raise ValueError('no way')"), ["model.py", "no way"]),
    ],
    ids=["syntax error", "import error", "error at import", "raises in __init__", "raises in forward"],
)
def test_the_users_code_is_at_fault(tmp_path: Path, skiplint: Run, source: str, words: list[str]) -> None:
    (tmp_path / "model.py").write_text(source)
    done = skiplint("model.py")
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    first, *rest = done.stderr.splitlines()
    assert first.startswith("skiplint: error: ")
    assert all(word in first for word in words), first
    assert len(rest) <= 1


def test_inputs_that_nothing_tells_about_are_no_fault_of_the_model(tmp_path: Path, skiplint: Run) -> None:
    """Which sizes fit each other, only the author knows; a guess that fails is not the model's fault."""
    (tmp_path / "model.py").write_text(
        "import torch\n"
        + FORWARD.replace("forward(self, x)", "forward(self, a, b)").format(
            init="pass", forward="x = torch.cat([a, b], -1) + torch.cat([a, b, b], -1)[..., 1:]"
        )
    )
    done = skiplint("model.py")
    assert done.returncode == 2
    assert "forward runs on none of the inputs tried" in done.stderr
    assert "or add [[tool.skiplint.models]] with target" in done.stderr
    assert "SKL" not in done.stdout


def test_verbose_shows_the_users_traceback(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "model.py").write_text(net(forward="raise ValueError('no way')"))
    done = skiplint("model.py", "--verbose")
    assert done.returncode == 2
    assert done.stderr.startswith("skiplint: error: ")
    assert "    Traceback (most recent call last):\n" in done.stderr
    assert "raise ValueError('no way')\n" in done.stderr


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("gone.py", ["gone.py"]),
        ("no_such_package.models:Net", ["no_such_package"]),
        ("json:NoSuchName", ["NoSuchName"]),
        ("json:dumps", ["dumps"]),
        ("good.py:NoSuchName", ["NoSuchName"]),
    ],
)
def test_the_target_is_at_fault(tmp_path: Path, skiplint: Run, target: str, words: list[str]) -> None:
    (tmp_path / "good.py").write_text(net())
    done = skiplint(target)
    assert done.returncode == 2, done.stdout
    assert done.stdout == "0 models traced, 1 failed; nothing was linted\n"
    assert done.stderr.startswith("skiplint: error: ")
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--kwargs", "{'a': 1}"],
            "--kwargs is not valid JSON (Expecting property name enclosed in double quotes at character 1)",
        ),
        (["--args", "{}"], "--args must be a JSON list such as '[18]'"),
        # One half of a surrogate pair is valid JSON and no text.
        (["--kwargs", '{"a": "\\ud800"}'], "arguments of a model must be plain values, as in JSON"),
        (["--select", "SKL9"], "command line: select: no rule matches 'SKL9'"),
        (
            ["--ignore", "plain-dept"],
            "command line: ignore: no rule matches 'plain-dept', did you mean 'plain-depth'?",
        ),
        (["--config", "gone.toml"], "gone.toml: cannot be read: No such file or directory"),
    ],
)
def test_the_command_is_at_fault(tmp_path: Path, skiplint: Run, words: list[str], message: str) -> None:
    (tmp_path / "model.py").write_text(net())
    done = skiplint("model.py", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"skiplint: error: {message}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(net())
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py")).write_text(net())
    for target in (b"\xff.py", b"."):
        command = [sys.executable, "-m", "skiplint", target]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 2
        assert done.stderr.decode() == (
            "skiplint: error: \\udcff.py: its name is no text in UTF-8, so it cannot be linted; rename it\n"
        )
    assert b"1 model traced, 1 failed" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory")
def test_a_memory_limit_that_leaves_no_room(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "model.py").write_text(net())
    done = skiplint("model.py", "--memory-limit", "100M")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "skiplint: error: a worker process failed to start: it has no memory left before the first model; "
        "give it more with --memory-limit"
    )
    assert "Traceback" not in done.stderr
    assert "Traceback" in skiplint("model.py", "--memory-limit", "100M", "--verbose").stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.skiplint", "pyproject.toml: is not valid TOML"),
        ("[tool.skiplint]\nslect = []", "pyproject.toml: slect: unknown key, did you mean 'select'?"),
        ("[tool.skiplint]\nselect = ['SKL9']", "pyproject.toml: select: no rule matches 'SKL9'"),
        (
            "[tool.skiplint.rules.plain-depth]\nlimt = 3",
            "pyproject.toml: rules.plain-depth.limt: plain-depth has no option 'limt', did you mean 'limit'?",
        ),
    ],
)
def test_the_configuration_is_at_fault(tmp_path: Path, skiplint: Run, text: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "model.py").write_text(net())
    done = skiplint("model.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"skiplint: error: {message}")


@pytest.mark.parametrize("words", [["check"], ["check", "--no-such-option", "x"], ["explain"]])
def test_usage(skiplint: Run, words: list[str]) -> None:
    done = skiplint(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: skiplint" in done.stderr


def test_a_report_that_cannot_be_written(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "model.py").write_text("x = 1")
    done = skiplint("model.py", "-o", "no/such/folder.json")
    assert done.returncode == 2
    assert "cannot write no/such/folder.json: there is no folder no/such" in done.stderr
