"""The help of every command, and what the shell offers on TAB."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from skiplint.cli.app import COMMANDS, app, with_default_command
from skiplint.cli.completion import complete_rule, complete_rules, with_command

Run = Callable[..., subprocess.CompletedProcess[str]]


def examples(text: str) -> Iterator[list[str]]:
    for line in text.partition("**Examples**")[2].splitlines():
        if line.strip().startswith("`skiplint "):
            yield line.strip().strip("`").split()[1:]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_of_itself(name: str) -> None:
    found = list(examples(COMMANDS[name].__doc__ or ""))
    assert found
    assert all(with_default_command(words)[0] == name for words in found)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_in_examples_exist(name: str) -> None:
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for words in examples(COMMANDS[name].__doc__ or ""):
        own = words[: words.index("|")] if "|" in words else words
        assert {word.partition("=")[0] for word in own if word.startswith("-")} <= known


@pytest.mark.parametrize("name", COMMANDS)
def test_options_stand_in_groups(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "100"}).output
    assert "Examples" in shown
    if "--output-format" in shown:
        assert "─ Output ─" in shown


def test_the_top_says_what_there_is(skiplint: Run) -> None:
    shown = skiplint("--help", COLUMNS="100").stdout
    assert "Examples" in shown
    assert "--install-completion" in shown
    assert all(f" {name} " in shown for name in COMMANDS)


def test_rules_by_code_and_by_name() -> None:
    keys = [key for key, _ in complete_rule("skl20")]
    assert keys == ["SKL201", "SKL202", "SKL203", "SKL204", "SKL205", "SKL206"]
    assert ("plain-depth", dict(complete_rule("SKL305"))["SKL305"]) in complete_rule("plain")


def test_the_last_of_several_rules() -> None:
    assert [key for key, _ in complete_rules("SKL2,plain-d")] == ["SKL2,plain-depth"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("skiplint ru", "skiplint ru"),
        ("skiplint model.py --sel", "skiplint check model.py --sel"),
        ("skiplint check model.py --sel", "skiplint check model.py --sel"),
        ("skiplint --select SKL", "skiplint check --select SKL"),
        ("skiplint explain SKL", "skiplint explain SKL"),
    ],
)
def test_the_command_may_be_left_out(typed: str, meant: str) -> None:
    in_bash = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    after = {**in_bash, **with_command(in_bash, with_default_command)}
    assert after == {"COMP_WORDS": meant, "COMP_CWORD": str(len(meant.split()) - 1)}
    in_zsh = {"_TYPER_COMPLETE_ARGS": typed}
    assert {**in_zsh, **with_command(in_zsh, with_default_command)} == {"_TYPER_COMPLETE_ARGS": meant}


@pytest.mark.parametrize(
    ("shell", "typed", "offered"),
    [
        ("bash", "skiplint --select SKL305", ["SKL305"]),
        ("bash", "skiplint explain degen", ["degenerate-skip"]),
        ("bash", "skiplint model.py --ignore SKL201,dead", ["SKL201,dead-branch"]),
        ("bash", "skiplint conf", ["config"]),
        ("zsh", "skiplint explain SKL305", None),
        ("fish", "skiplint explain SKL305", None),
    ],
)
def test_the_protocol_of_shells(tmp_path: Path, shell: str, typed: str, offered: list[str] | None) -> None:
    """As the script does that ``--install-completion`` writes."""
    variables = {
        "bash": {"COMP_WORDS": typed.replace(" ", "\n"), "COMP_CWORD": str(len(typed.split()) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": typed},
        "fish": {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        [sys.executable, "-c", "from skiplint.cli import main; main()"],
        env={**variables, "_SKIPLINT_COMPLETE": f"complete_{shell}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    if offered is not None:
        assert done.stdout.split() == offered
    else:
        assert "SKL305" in done.stdout
        assert "weighted layers in a row" in done.stdout


def test_the_completion_script() -> None:
    """It is for the shell that the command is typed in, whatever shell the tests were started from."""
    typed = f"'{sys.executable}' -m skiplint --show-completion; exit $?"
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=True)
    assert "_SKIPLINT_COMPLETE=complete_bash" in done.stdout
