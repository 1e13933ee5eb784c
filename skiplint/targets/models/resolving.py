"""The models that a target names: a file, a folder, a module or a saved program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from skiplint.targets.environment.tool_files import is_of_a_tool
from skiplint.targets.models import programs
from skiplint.targets.models.discovery import ModelFile
from skiplint.targets.models.dotted import resolve_dotted
from skiplint.targets.models.folders import folder_files
from skiplint.targets.models.importing import Workspaces, import_file
from skiplint.targets.models.listing import Listing
from skiplint.targets.models.project import Projects
from skiplint.targets.models.syntax import FileSyntax, parse
from skiplint.targets.models.wanted import (
    DOTTED,
    Resolved,
    Wanted,
    insist,
    no_such_file,
    only_one,
    split_target,
)
from skiplint.targets.records import ModelConfig, SkippedTarget, TargetError


def resolve(
    target: str,
    *,
    models: Sequence[ModelConfig] = (),
    args: Sequence[Any] = (),
    kwargs: dict[str, Any] | None = None,
    workspaces: Workspaces | None = None,
    projects: Projects | None = None,
) -> Resolved:
    """The models that ``target`` names, in a fixed order; none if a file has none.

    Args:
        target: a Python file, a file and a name in it (``model.py:UNet``), a folder, a module
            (``package.module``), a name in one (``torchvision.models:resnet50``) or a saved program
            (``model.pt2``).
        models: configuration entries; those for the files of ``target`` add to what is found there, or
            replace it.
        args: positional arguments for the constructor or factory that is named.
        kwargs: keyword arguments for it.
        workspaces: what earlier targets of the same run have imported.
        projects: what was read of the projects of earlier targets.

    Returns:
        In a folder, a file that cannot be imported is a :class:`SkippedTarget` with its ``error``.

    Raises:
        TargetError: there is no such target, its import failed, or it is no model.
    """
    if not target:
        raise TargetError("an empty target names nothing; give a file, or . for this folder")
    wanted = Wanted(
        target,
        tuple(models),
        tuple(args),
        dict(kwargs or {}),
        workspaces or Workspaces(),
        projects or Projects(),
    )
    location, attribute = split_target(target)
    path = Path(location)
    if path.is_dir() and not (attribute and DOTTED.match(location)):  # ``package:Net`` is a name in a module
        return _resolve_folder(path, wanted)
    if path.is_file() or location.endswith(".py") or path.suffix in programs.SUFFIXES:
        if not path.is_file():
            raise TargetError(no_such_file(path))
        if path.suffix in programs.SUFFIXES:
            return [programs.program_target(location)]
        if path.suffix != ".py":
            raise TargetError(
                f"{location} is not a Python file; give a .py file, a folder, a dotted target or a .pt2"
            )
        return _resolve_file(parse(path), location, attribute, wanted)
    if DOTTED.match(location):
        return resolve_dotted(location, attribute, wanted)
    raise TargetError(no_such_file(path))


def resolve_member(
    file: str,
    *,
    models: Sequence[ModelConfig] = (),
    workspaces: Workspaces | None = None,
    projects: Projects | None = None,
) -> Resolved:
    """The models of one file of a folder.

    What a module class in another file of the project uses is left out.
    """
    wanted = Wanted(
        file, tuple(models), workspaces=workspaces or Workspaces(), projects=projects or Projects()
    )
    return _resolve_member(Path(file), wanted)


def _resolve_folder(folder: Path, wanted: Wanted) -> Resolved:
    if wanted.has_arguments:
        raise TargetError(f"{wanted.target}: arguments need one model; name it as in model.py:UNet")
    files = folder_files(str(folder)) or ()
    return [item for file in files for item in _resolve_member(Path(file), wanted)]


def _resolve_member(path: Path, wanted: Wanted) -> Resolved:
    display = path.as_posix()
    try:
        syntax = parse(path)
        return _resolve_file(syntax, display, "", wanted, alone=False)
    except TargetError as error:
        return [SkippedTarget(display, path.stem, display, None, str(error), error=error)]


def _resolve_file(
    syntax: FileSyntax, display: str, attribute: str, wanted: Wanted, *, alone: bool = True
) -> Resolved:
    entries = wanted.entries_for(syntax.path)
    listing = Listing(wanted.projects.of(syntax.path), syntax, alone=alone)
    if not attribute and not entries and (listing.is_empty or is_of_a_tool(syntax.path)):
        return []
    module, workspace = import_file(syntax, display, wanted.workspaces)
    file = ModelFile(syntax, display, module, workspace, listing)
    if attribute:
        return _named(file, attribute, entries, wanted)
    found: Resolved = [file.configured(entry, name) for entry, name in entries]
    configured = {name for _, name in entries}
    others = [item for item in file.discover() if item.name not in configured]
    if wanted.has_arguments:
        return [only_one(file, [*found, *others], wanted)]
    return sorted([*found, *others], key=lambda item: item.line or 0)


def _named(
    file: ModelFile, attribute: str, entries: list[tuple[ModelConfig, str]], wanted: Wanted
) -> Resolved:
    matching = [entry for entry, name in entries if name == attribute]
    if matching and not wanted.has_arguments:
        return [insist(file.configured(entry, attribute)) for entry in matching]
    found = insist(file.named(attribute, wanted.args, wanted.kwargs))
    return [replace(found, config=matching[0]) if matching else found]
