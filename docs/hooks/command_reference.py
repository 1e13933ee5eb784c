"""Makes the page of all commands from the command line itself, whenever the site is built."""

from __future__ import annotations

import re

import click
import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

from skiplint.cli.app import app


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add ``commands.md`` to the pages."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=click.Context(command, info_name="skiplint"), name="skiplint")
    page = re.sub(r"^# .*$", "# Commands", text, count=1, flags=re.MULTILINE)
    files.append(File.generated(config, "commands.md", content=page))
    return files
