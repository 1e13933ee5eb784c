"""What was asked of a target, beside the place that it names."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from skiplint.targets.models.discovery import ModelFile
from skiplint.targets.models.importing import Workspaces
from skiplint.targets.models.project import Projects
from skiplint.targets.records import ModelConfig, ModelTarget, SkippedTarget, TargetError

Resolved = list[ModelTarget | SkippedTarget]

DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
"""A dotted name."""


@dataclass(frozen=True)
class Wanted:
    """The arguments and the configuration for the models of one target."""

    target: str
    models: tuple[ModelConfig, ...] = ()
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    workspaces: Workspaces = field(default_factory=Workspaces)
    projects: Projects = field(default_factory=Projects)

    @property
    def has_arguments(self) -> bool:
        """Whether constructor arguments were given, which only one model can take."""
        return bool(self.args or self.kwargs)

    def entries_for(self, path: Path) -> list[tuple[ModelConfig, str]]:
        """Configuration entries for models of the file ``path``, each with the name in the file."""
        found = []
        for entry in self.models:
            location, attribute = split_target(entry.target)
            if (
                attribute
                and location.endswith(".py")
                and os.path.realpath(location) == os.path.realpath(path)
            ):
                found.append((entry, attribute))
        return found


def split_target(target: str) -> tuple[str, str]:
    """The place that a target names and the name in it, which is empty where no name is given."""
    location, colon, attribute = target.rpartition(":")
    # "C:\\models\\net.py" has a colon and no name; a name is a dotted identifier.
    if colon and location and (not attribute or DOTTED.match(attribute)) and not Path(target).exists():
        return location, attribute
    return target, ""


def only_one(file: ModelFile, found: Resolved, wanted: Wanted) -> ModelTarget:
    """The only model of ``file``, built with the arguments that were given.

    Raises:
        TargetError: the file has none, or several.
    """
    if len(found) != 1:
        names = ", ".join(item.target for item in found) or "none"
        raise TargetError(
            f"{wanted.target}: arguments need one model, and the file has {names}; name the one you mean"
        )
    return insist(file.named(found[0].name, wanted.args, wanted.kwargs))


def insist(found: ModelTarget) -> ModelTarget:
    """``found``, for which it is an error if it cannot be constructed: the user asked for it by name."""
    if found.unbuilt is None:
        return found
    or_else = ", or pass --kwargs" if found.unbuilt.snippet else " and name that"
    error = TargetError(f"{found.target}: {found.unbuilt.reason}{or_else}")
    return replace(found, unbuilt=replace(found.unbuilt, error=error))


def no_such_file(path: Path) -> str:
    """The message for a file or folder that is not there, with the nearest name that is."""
    if path.is_symlink():
        return f"{path.as_posix()}: a link to {path.readlink().as_posix()}, which does not exist"
    if any(sign in path.name for sign in "*?["):
        hint = "the shell expands patterns, so leave out the quotes or name the folder"
        return f"{path.as_posix()}: no such file; {hint}"
    folder = path.parent if path.parent.is_dir() else Path()
    names = sorted(item.name for item in folder.iterdir() if item.suffix == ".py" or item.is_dir())
    near = difflib.get_close_matches(path.name, names, n=1)
    hint = f'; did you mean "{(path.parent / near[0]).as_posix()}"?' if near else "; check the path"
    return f"{path.as_posix()}: no such file or folder{hint}"
