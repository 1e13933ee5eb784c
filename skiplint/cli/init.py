"""``skiplint init``: write the first settings of a project, with entries for its models."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from skiplint.cli import output
from skiplint.cli.failures import UsageError
from skiplint.cli.progress import progress
from skiplint.linting.registry import Registry
from skiplint.run.check import check as check_targets
from skiplint.run.request import Request
from skiplint.settings.first_settings import ModelEntry, with_settings
from skiplint.settings.settings import (
    OWN_FILE,
    PROJECT_FILE,
    Settings,
    convert_settings,
    find_config,
    parse_toml,
    settings_of,
)
from skiplint.targets import ModelConfig


def init(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the file instead of writing it.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace existing settings; the old file is kept with the suffix .bak."),
    ] = False,
) -> None:
    """Write the first settings for the project in this folder.

    They go into `pyproject.toml`, or into a new `skiplint.toml` if there is none. The models in the folder
    are built and run once, as `skiplint .` would. A model that needs arguments gets an entry with guessed
    values, which is commented out if the model does not run with them.

    **Examples**

    `skiplint init`

    `skiplint init --dry-run`
    """
    path = _file()
    old = _text(path) if path.is_file() else ""
    if path.is_file() and not force and (path.name == OWN_FILE or find_config(Path()) == path):
        raise UsageError(f"{path.name} has settings already; change them there, or replace them with --force")
    with_settings(path, old, ())  # What cannot be written is said before the models are run.
    entries, running = _look()
    text = with_settings(path, old, entries)
    convert_settings(settings_of(path, parse_toml(text)) or {}, source=path.name)
    if dry_run:
        output.emit(text, None)
        return
    kept = _backed_up(path) if old and force else None
    _write(path, text)
    print(
        f"wrote {path.name}; models that run as they are: {running}; entries to look at: {len(entries)}"
        + (f"; the old file is {kept.name}" if kept else ""),
        file=sys.stderr,
    )


def _file() -> Path:
    own, project = Path(OWN_FILE), Path(PROJECT_FILE)
    return project if project.is_file() and not own.is_file() else own


def _text(path: Path) -> str:
    # In bytes, because reading as text would turn the ends of lines into one kind.
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not a text file in UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror or error}") from None


def _look() -> tuple[list[ModelEntry], int]:
    """Entries for the models that need one, and the number of models that run without."""
    from skiplint.targets import SkippedTarget, resolve

    with output.stdout_to_stderr(), progress() as next_model:
        items = resolve(".")
        unbuilt = [item if isinstance(item, SkippedTarget) else item.unbuilt for item in items]
        snippets = {item.target: item.snippet for item in unbuilt if item is not None and item.snippet}
        tried = tuple(_entry_of(snippet) for snippet in snippets.values())
        report = check_targets(
            Request(["."], Settings(models=tried)), registry=Registry(()), progress=next_model
        )
    entries = []
    for model in report.models:
        works = model.status == "traced"
        if model.target in snippets:
            remark = "runs with these values" if works else "does not run with these values"
            remark = f"{model.name} {remark}, which are guesses; put in what you use."
            entries.append(ModelEntry(_keys(snippets[model.target]), works, remark))
        elif model.status == "failed" and model.target.count(":"):
            reason = " ".join((model.reason or "").split())
            lines = (f'target = "{model.target}"', 'inputs = [["B", 3, "H", "W"]]')
            entries.append(ModelEntry(lines, works=False, remark=reason))
    return entries, sum(model.status == "traced" for model in report.models) - sum(e.works for e in entries)


def _entry_of(snippet: str) -> ModelConfig:
    (entry,) = convert_settings(parse_toml(snippet)["tool"]["skiplint"]).models
    return entry


def _keys(snippet: str) -> tuple[str, ...]:
    """The lines of an entry after its header."""
    return tuple(snippet.splitlines()[1:])


def _backed_up(path: Path) -> Path:
    """Copy the file to an unused name; return that path."""
    names = (f"{path.name}.bak{number or ''}" for number in range(1000))
    copy = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    shutil.copy2(path, copy)
    return copy


def _write(path: Path, text: str) -> None:
    """Replace the text atomically; a link stays a link, and the file keeps its permissions."""
    real = path.resolve()
    mode = real.stat().st_mode if real.exists() else None
    output.emit(text, real)
    if mode is not None:
        real.chmod(mode)
