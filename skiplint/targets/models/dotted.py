"""The models that a dotted name stands for: a module, or an attribute of one."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from skiplint.sources.imports import is_importable
from skiplint.sources.paths import shown
from skiplint.targets.models import modelhood
from skiplint.targets.models.discovery import ModelFile, attribute_of, no_model
from skiplint.targets.models.importing import Workspace, import_dotted
from skiplint.targets.models.listing import Listing
from skiplint.targets.models.syntax import parse
from skiplint.targets.models.wanted import Resolved, Wanted, no_such_file, only_one
from skiplint.targets.records import (
    BuiltWith,
    Constructor,
    ModelConfig,
    ModelTarget,
    SkippedTarget,
    TargetError,
)
from skiplint.targets.snippets import factory_hint, missing_arguments, on_one_line, snippet, takes_objects


def resolve_dotted(location: str, attribute: str, wanted: Wanted) -> Resolved:
    """The models of the module ``location``, or its ``attribute`` alone if that is not empty.

    Raises:
        TargetError: there is no such module or attribute, the import failed, or it is no model.
    """
    if not attribute and "." not in location and not is_importable(location):
        raise TargetError(no_such_file(Path(location)))
    module, workspace = _import_module(location, attribute, wanted)
    entries = [entry for entry in wanted.models if entry.target == wanted.target]
    if not attribute:
        return _module_models(module, location, workspace, wanted)
    if entries and not wanted.has_arguments:
        return [_dotted_target(module, workspace, attribute, entry, wanted) for entry in entries]
    entry = ModelConfig(target=wanted.target, args=list(wanted.args), kwargs=wanted.kwargs)
    made = _dotted_target(module, workspace, attribute, entry, wanted)
    return [replace(made, config=entries[0] if entries else None)]


def _import_module(location: str, attribute: str, wanted: Wanted) -> tuple[ModuleType, Workspace]:
    try:
        return import_dotted(location, wanted.workspaces)
    except TargetError as error:
        parent, _, last = location.rpartition(".")
        cause = error.__cause__
        if attribute or not parent or not (isinstance(cause, ModuleNotFoundError) and cause.name == location):
            raise
        # "package.module.Net": the last part may be a name in the module.
        module, _ = import_dotted(parent, wanted.workspaces)
        attribute_of(module, last, parent)
        raise TargetError(f'{location} is not a module; did you mean "{parent}:{last}"?') from error


def _module_models(module: ModuleType, location: str, workspace: Workspace, wanted: Wanted) -> Resolved:
    source = getattr(module, "__file__", None)
    if not source or not source.endswith(".py"):
        raise TargetError(f"{location} has no Python source; name the model as in {location}:Net")
    file = _file(module, Path(source), location, workspace, wanted)
    found: Resolved = [replace(item, path=shown(source)) for item in file.discover()]
    return [only_one(file, found, wanted)] if wanted.has_arguments else found


def _file(module: ModuleType, source: Path, location: str, workspace: Workspace, wanted: Wanted) -> ModelFile:
    syntax = parse(source)
    listing = Listing(wanted.projects.of(source), syntax, alone=True)
    return ModelFile(syntax, location, module, workspace, listing)


def _dotted_target(
    module: ModuleType,
    workspace: Workspace,
    attribute: str,
    entry: ModelConfig,
    wanted: Wanted,
) -> ModelTarget:
    from torch import nn

    target, value = entry.target, attribute_of(module, attribute, module.__name__)
    is_module_class = inspect.isclass(value) and issubclass(value, nn.Module)
    is_factory = (
        callable(value) and not inspect.isclass(value) and modelhood.returns_model(value) is not False
    )
    if not (isinstance(value, nn.Module) or is_module_class or is_factory):
        raise no_model(target, value)
    path, line = _definition(value)
    made = ModelTarget(
        target=target,
        name=attribute,
        path=shown(str(path)) if path else None,
        line=line,
        build=lambda: value,
        config=entry,
        demos=_demos(module, workspace, target, attribute, value, wanted),
        environment=workspace.active,
        named=True,
    )
    if isinstance(value, nn.Module):
        return made
    given = BuiltWith()
    if entry.args or entry.kwargs:
        given = BuiltWith("configuration", "", lambda: (tuple(entry.args), dict(entry.kwargs)))
    constructor = _constructor(attribute, value, path, module)
    missing = _still_missing(value, entry)
    return replace(
        made,
        build=constructor.way(given).make,
        built_with=given,
        constructor=constructor if path else None,
        unbuilt=_unbuilt(made, missing) if missing else None,
    )


def _constructor(attribute: str, value: Any, path: Path | None, module: ModuleType) -> Constructor:
    """What makes the model, by its name in the file that defines it and not in one that only offers it."""
    home = sys.modules.get(getattr(value, "__module__", None) or "", module)
    own = getattr(value, "__qualname__", attribute)
    if getattr(home, own.partition(".")[0], None) is None:
        home, own = module, attribute
    return Constructor(own, value, path or Path(), vars(home))


def _unbuilt(made: ModelTarget, missing: list[inspect.Parameter]) -> SkippedTarget:
    """What to report if no arguments are found."""
    names = ", ".join(parameter.name for parameter in missing)
    lines = ""
    if takes_objects(missing):
        advice = f"{factory_hint(made.name, missing)} and lint that"
    else:
        lines = snippet(made.target, missing)
        advice = f"pass --kwargs, or add {on_one_line(lines)} to pyproject.toml"
    reason = f"{made.name} needs {names}; {advice}"
    error = TargetError(f"{made.target}: {reason}")
    return SkippedTarget(made.target, made.name, made.path, made.line, reason, lines, error=error)


def _still_missing(value: Any, entry: ModelConfig) -> list[inspect.Parameter]:
    missing = missing_arguments(value) or []
    return [parameter for parameter in missing[len(entry.args) :] if parameter.name not in entry.kwargs]


def _definition(value: Any) -> tuple[Path | None, int | None]:
    """The file and line where a class or function is defined; for an object, its class."""
    thing = value if inspect.isclass(value) or inspect.isroutine(value) else type(value)
    thing = inspect.unwrap(thing)
    try:
        source = inspect.getsourcefile(thing)
        line = inspect.getsourcelines(thing)[1]
    except (TypeError, OSError):
        return None, None
    return (Path(source).resolve() if source else None), line


def _demos(
    module: ModuleType, workspace: Workspace, target: str, attribute: str, value: Any, wanted: Wanted
) -> Any:
    """The calls in the module's own file, where the object is defined there."""
    source = getattr(module, "__file__", None)
    if not source or not source.endswith(".py") or getattr(value, "__module__", None) != module.__name__:
        return ()
    return _file(module, Path(source), target.rpartition(":")[0], workspace, wanted).demos(attribute)
