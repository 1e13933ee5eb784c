"""``skiplint init``: write the first settings of a project, with entries for its models."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from skiplint.cli import output
from skiplint.cli.failures import UsageError
from skiplint.cli.isolation import RunOptions
from skiplint.cli.progress import progress
from skiplint.linting.registry import Registry
from skiplint.reporting.model_report import BuiltWithReport
from skiplint.reporting.report import ModelReport, Report
from skiplint.run.check import check as check_targets
from skiplint.run.interruption import Interrupted
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
from skiplint.targets.snippets import toml
from skiplint.version import __version__


def init(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the file instead of writing it.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace existing settings; the old file is kept with the suffix .bak."),
    ] = False,
) -> None:
    """Write the first settings for the project in this folder.

    They go into `pyproject.toml`, or into a new `skiplint.toml` if there is none. The models in the folder
    are built and run once, as `skiplint .` would. What runs with arguments of the project needs no entry.
    Every other model gets one, which is tried too: it is commented out, with the reason, if the model
    does not run with it. Arguments that were guessed are listed as comments, to be replaced by yours.

    **Examples**

    `skiplint init`

    `skiplint init --dry-run`
    """
    path = _file()
    old = _text(path) if path.is_file() else ""
    if path.is_file() and not force and (path.name == OWN_FILE or find_config(Path()) == path):
        raise UsageError(f"{path.name} has settings already; change them there, or replace them with --force")
    with_settings(path, old, ())  # What cannot be written is said before the models are run.
    look = _look()
    text = with_settings(path, old, look.entries)
    convert_settings(settings_of(path, parse_toml(text)) or {}, source=path.name)
    if dry_run:
        output.emit(text, None)
        return
    kept = _backed_up(path) if old and force else None
    _write(path, text)
    print(
        f"wrote {path.name}; {look}" + (f"; the old file is {kept.name}" if kept else ""),
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


@dataclass(frozen=True)
class _Look:
    """What a look at the project has shown."""

    entries: tuple[ModelEntry, ...]
    """For the models that do not run as they are, and for those that run with guessed arguments."""
    running: int
    """How many models run as they are."""
    guessed: int
    """How many of them do so with arguments that are guesses."""

    def __str__(self) -> str:
        guessed = f" ({self.guessed} with guessed arguments)" if self.guessed else ""
        running = f"models that run as they are: {self.running}{guessed}"
        return f"{running}; entries to look at: {len(self.entries)}"


def _look() -> _Look:
    """Lint the project as it is, then the models that need help, each with the entry that is likely to do."""
    first = _checked(["."], Settings())
    lost = [model for model in first.models if model.status != "traced"]
    tried = {model.target: _likely(model) for model in lost if model.path not in (None, model.target)}
    configured = Settings(models=tuple(_entry_of(lines) for lines in tried.values()))
    second = {model.target: model for model in _checked(list(tried), configured).models}
    running = [model for model in first.models if model.status == "traced"]
    entries = [_entry(model, tried.get(model.target, ()), second.get(model.target)) for model in lost]
    guesses = [_guess(model, model.built_with) for model in running if model.built_with is not None]
    guessed = [entry for entry in guesses if entry is not None]
    return _Look((*entries, *guessed), len(running), len(guessed))


def _checked(targets: list[str], settings: Settings) -> Report:
    """The report without findings; models run in processes of their own, as for ``skiplint check``."""
    if not targets:
        return Report(__version__)
    workers = RunOptions().workers(settings)
    with output.stdout_to_stderr(aloud=False), progress() as follower:
        report = check_targets(
            Request(targets, settings), registry=Registry(()), workers=workers, follower=follower
        )
    if report.interruption is not None:  # Half a look would say that the other half needs nothing.
        raise Interrupted(report.interruption.signal)
    return report


def _likely(model: ModelReport) -> tuple[str, ...]:
    """The lines of an entry that may make ``model`` run."""
    if model.configuration:
        return tuple(model.configuration.splitlines()[1:])
    return (f"target = {toml(model.target)}", 'inputs = [["B", 3, "H", "W"]]')


def _entry(model: ModelReport, lines: tuple[str, ...], again: ModelReport | None) -> ModelEntry:
    """What to write of ``model``, which came to ``again`` with the entry ``lines``."""
    if again is not None and again.status == "traced" and _writable(*lines):
        remark = f"{model.name} runs with these values, which are guesses; put in what you use."
        return ModelEntry(lines, works=True, remark=remark)
    reason = " ".join((model.reason or "").split())
    named = reason if model.target in reason else f"{model.target}: {reason}"
    if again is not None and again.status == "failed" and again.reason != model.reason:
        named += f"; with the values below: {' '.join((again.reason or '').split())}"
    return ModelEntry(tuple(map(_shown, lines)), works=False, remark=_shown(named))


def _guess(model: ModelReport, built_with: BuiltWithReport) -> ModelEntry | None:
    """An entry to fill in for a model that runs with guessed arguments; None where they are no guess.

    It is a comment: the values of an entry count as meant, and what is found with them as true of the model.
    """
    if built_with.source != "guessed":
        return None
    objects = [name for name, value in built_with.kwargs.items() if _is_object(value)]
    given = built_with.kwargs.items()
    kwargs = {name: value for name, value in given if value is not None and name not in objects}
    lines = [f"target = {toml(model.target)}"]
    lines += [f"args = {toml(list(built_with.args))}"] if built_with.args else []
    lines += [f"kwargs = {toml(kwargs)}"] if kwargs else []
    remark = f"{model.name} runs with these arguments, which are guesses: put in those that you use."
    if objects:
        them = f"{' and '.join(objects)} {'is an object' if len(objects) == 1 else 'are objects'}"
        remark += f" {them}, so write a function that returns the model, and name that as target."
    return ModelEntry(tuple(map(_shown, lines)), works=False, remark=_shown(remark))


def _is_object(value: object) -> bool:
    """Whether a value of a report stands for an object, which TOML cannot hold."""
    return isinstance(value, str) and (value[:1] in ("<", "{") or "(" in value)


def _entry_of(lines: tuple[str, ...]) -> ModelConfig:
    table = parse_toml("\n".join(lines))
    (entry,) = convert_settings({"models": [table]}).models
    return entry


def _writable(*texts: str) -> bool:
    """Whether ``texts`` are valid Unicode, which the name of a file need not be."""
    return all(_shown(text) == text for text in texts)


def _shown(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


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
