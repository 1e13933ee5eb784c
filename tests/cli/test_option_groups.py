"""Commands that take their options as objects."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from skiplint.cli.option_groups import Command, flattened


@dataclass(frozen=True)
class Size:
    """A group: two options."""

    width: Annotated[int, typer.Option(min=1, help="In pixels.", rich_help_panel="Size")] = 3
    tags: Annotated[list[str], typer.Option("--tag", "-t")] = field(default_factory=list)


@dataclass(frozen=True)
class NamedSize(Size):
    """A group that extends another."""

    name: Annotated[str, typer.Option()] = "none"


def run(command: Command, *words: str) -> str:
    app = typer.Typer()
    app.command()(flattened(command))
    done = CliRunner().invoke(app, words)
    return done.output if done.exit_code == 0 else f"{done.exit_code}: {done.output}"


def draw(target: str, size: Size, *, dry: bool = False) -> None:
    """Draw it."""
    typer.echo(f"{target} {size} {dry}")


def test_fields_are_options_and_come_as_an_object() -> None:
    assert run(draw, "a") == f"a {Size()} False\n"
    assert (
        run(draw, "a", "--width", "5", "-t", "x", "--tag", "y", "--dry") == f"a {Size(5, ['x', 'y'])} True\n"
    )


def test_typer_sees_the_fields_where_the_group_stands() -> None:
    flat = flattened(draw)
    assert list(inspect.signature(flat).parameters) == ["target", "width", "tags", "dry"]
    assert flat.__doc__ == "Draw it."
    shown = run(draw, "--help")
    assert "─ Size ─" in shown
    assert "In pixels." in shown


def test_what_typer_checks_is_checked() -> None:
    assert run(draw, "a", "--width", "0").startswith("2: ")
    assert run(draw, "a", "--height", "1").startswith("2: ")


def test_a_group_extends_another() -> None:
    def extended(size: NamedSize) -> None:
        typer.echo(f"{size.width} {size.name}")

    assert run(extended, "--name", "wide", "--width", "9") == "9 wide\n"


def test_a_group_may_have_the_name_of_an_option() -> None:
    @dataclass(frozen=True)
    class Output:
        width: Annotated[int, typer.Option()] = 1

    def show(width: Output) -> None:
        typer.echo(width.width)

    show.__annotations__["width"] = Output  # a local class has no name that could be looked up
    assert run(show, "--width", "2") == "2\n"


def test_each_name_is_declared_once() -> None:
    def twice(size: Size, width: int = 1) -> None:
        del size, width

    with pytest.raises(ValueError, match="width"):
        flattened(twice)


def test_a_field_without_a_default_is_required() -> None:
    @dataclass(frozen=True)
    class Place:
        folder: Annotated[str, typer.Option()]

    def go(place: Place) -> None:
        typer.echo(place.folder)

    go.__annotations__["place"] = Place
    assert run(go, "--folder", "here") == "here\n"
    assert run(go).startswith("2: ")
