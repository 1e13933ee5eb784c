"""The models that a dotted name stands for: a module, or an attribute of one."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from skiplint.sources.imports import is_importable
from skiplint.sources.paths import shown
from skiplint.targets.models import modelhood
from skiplint.targets.models.discovery import ModelFile, attribute_of, no_model
from skiplint.targets.models.importing import Workspace, import_dotted
from skiplint.targets.models.project import Projects
from skiplint.targets.models.syntax import FileSyntax, parse
from skiplint.targets.models.wanted import Resolved, Wanted, no_such_file, only_one
from skiplint.targets.records import ModelConfig, ModelTarget, TargetError
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
        return [_dotted_target(module, workspace, entry.target, attribute, entry) for entry in entries]
    entry = ModelConfig(target=wanted.target, args=list(wanted.args), kwargs=wanted.kwargs)
    made = _dotted_target(module, workspace, wanted.target, attribute, entry)
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
    path = Path(source)
    file = ModelFile(parse(path), location, module, workspace, wanted.projects.of(path))
    found: Resolved = [replace(item, path=shown(source)) for item in file.discover()]
    return [only_one(file, found, wanted)] if wanted.has_arguments else found


def _dotted_target(
    module: ModuleType, workspace: Workspace, target: str, attribute: str, entry: ModelConfig
) -> ModelTarget:
    from torch import nn

    value = attribute_of(module, attribute, module.__name__)
    is_module_class = inspect.isclass(value) and issubclass(value, nn.Module)
    is_factory = (
        callable(value) and not inspect.isclass(value) and modelhood.returns_model(value) is not False
    )
    if not (isinstance(value, nn.Module) or is_module_class or is_factory):
        raise no_model(target, value)
    missing = [] if isinstance(value, nn.Module) else _still_missing(value, entry)
    if missing:
        names = ", ".join(parameter.name for parameter in missing)
        if takes_objects(missing):
            raise TargetError(
                f"{target}: {attribute} needs {names}; {factory_hint(attribute, missing)} and lint that"
            )
        advice = on_one_line(snippet(target, missing))
        raise TargetError(
            f"{target}: {attribute} needs {names}; pass --kwargs, or add {advice} to pyproject.toml"
        )
    path, line = _definition(value)
    return ModelTarget(
        target=target,
        name=attribute,
        path=path,
        line=line,
        build=(lambda: value) if isinstance(value, nn.Module) else lambda: value(*entry.args, **entry.kwargs),
        config=entry,
        demos=_demos(module, workspace, target, attribute, value),
        environment=workspace.active,
    )


def _still_missing(value: Any, entry: ModelConfig) -> list[inspect.Parameter]:
    missing = missing_arguments(value) or []
    return [parameter for parameter in missing[len(entry.args) :] if parameter.name not in entry.kwargs]


def _definition(value: Any) -> tuple[str | None, int | None]:
    """Where a class or function is defined; for an object, its class."""
    thing = value if inspect.isclass(value) or inspect.isroutine(value) else type(value)
    thing = inspect.unwrap(thing)
    try:
        source = inspect.getsourcefile(thing)
        line = inspect.getsourcelines(thing)[1]
    except (TypeError, OSError):
        return None, None
    return (shown(source) if source else None), line


def _demos(module: ModuleType, workspace: Workspace, target: str, attribute: str, value: Any) -> Any:
    """The calls in the module's own file, where the object is defined there."""
    source = getattr(module, "__file__", None)
    if not source or not source.endswith(".py") or getattr(value, "__module__", None) != module.__name__:
        return ()
    path = Path(source)
    syntax: FileSyntax = parse(path)
    file = ModelFile(syntax, target.rpartition(":")[0], module, workspace, Projects().of(path))
    return file.demos(attribute)
