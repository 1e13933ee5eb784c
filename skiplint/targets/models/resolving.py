"""From what the user typed to the models that it names."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from skiplint.sources.imports import is_importable
from skiplint.sources.paths import shown
from skiplint.targets.models import modelhood, programs
from skiplint.targets.models.discovery import ModelFile, attribute_of
from skiplint.targets.models.importing import Workspace, Workspaces, import_dotted, import_file
from skiplint.targets.models.syntax import FileSyntax, parse
from skiplint.targets.records import ModelConfig, ModelTarget, SkippedTarget, TargetError
from skiplint.targets.snippets import (
    HEADER,
    factory_hint,
    missing_arguments,
    on_one_line,
    snippet,
    takes_objects,
)

Resolved = list[ModelTarget | SkippedTarget]

_DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
_SKIPPED_FOLDERS = frozenset(
    "node_modules site-packages dist-packages __pycache__ build dist venv env virtualenv".split()
)


def resolve(
    target: str,
    *,
    models: Sequence[ModelConfig] = (),
    args: Sequence[Any] = (),
    kwargs: dict[str, Any] | None = None,
    workspaces: Workspaces | None = None,
) -> Resolved:
    """The models that ``target`` names, in a fixed order.

    ``target`` is a Python file, a file and a name in it (``model.py:UNet``), a folder, a dotted name
    (``torchvision.models:resnet50``), a module (``package.module``) or a saved program (``model.pt2``).
    ``models`` are the configuration entries; those for the files at hand are added to, or replace, what is
    found there. ``args`` and ``kwargs`` go to the constructor or factory that is named. A file without a
    model gives an empty list. In a folder, a file that cannot be imported gives a :class:`SkippedTarget`
    with its ``error``, and the others are still looked at. ``workspaces`` hold what earlier targets of the
    same run have imported.

    Raises:
        TargetError: there is no such target, its import failed, or it is no model.
    """
    if not target:
        raise TargetError("an empty target names nothing; give a file, or . for this folder")
    request = _Request(target, tuple(models), tuple(args), dict(kwargs or {}), workspaces or Workspaces())
    location, attribute = split_target(target)
    path = Path(location)
    if path.is_dir():
        return _resolve_folder(path, request)
    if path.is_file() or location.endswith(".py") or path.suffix in programs.SUFFIXES:
        if not path.is_file():
            raise TargetError(_no_such_file(path))
        if path.suffix in programs.SUFFIXES:
            return [programs.program_target(location)]
        if path.suffix != ".py":
            raise TargetError(
                f"{location} is not a Python file; give a .py file, a folder, a dotted target or a .pt2"
            )
        return _resolve_file(parse(path), location, attribute, request)
    if _DOTTED.match(location):
        return _resolve_dotted(location, attribute, request)
    raise TargetError(_no_such_file(path))


@dataclass(frozen=True)
class _Request:
    """What was asked for, besides the place."""

    target: str
    models: tuple[ModelConfig, ...] = ()
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    workspaces: Workspaces = field(default_factory=Workspaces)

    @property
    def has_arguments(self) -> bool:
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
    if colon and location and (not attribute or _DOTTED.match(attribute)) and not Path(target).exists():
        return location, attribute
    return target, ""


# -- files and folders --------------------------------------------------------------------------------


def folder_files(target: str) -> tuple[str, ...] | None:
    """The Python files of the folder ``target`` in a fixed order; None where it is no folder."""
    folder = Path(target)
    return tuple(path.as_posix() for path in python_files(folder)) if target and folder.is_dir() else None


def resolve_member(
    file: str, *, models: Sequence[ModelConfig] = (), workspaces: Workspaces | None = None
) -> Resolved:
    """The models of one file of a folder, which, unlike a file that is named, is never run as a program."""
    return _resolve_member(Path(file), _Request(file, tuple(models), workspaces=workspaces or Workspaces()))


def parts_elsewhere(parts: Sequence[tuple[str, str]], files: Sequence[str]) -> set[tuple[str, str]]:
    """Which of ``parts`` (file, class), models that need arguments, a model in another of ``files`` uses."""
    syntaxes: list[FileSyntax] = []
    for file in files if parts else ():
        with contextlib.suppress(TargetError):  # Reported where the file itself is looked at.
            syntaxes.append(parse(Path(file)))
    return {(path, name) for path, name in parts if _is_used(Path(path).stem, name, syntaxes)}


def _resolve_folder(folder: Path, request: _Request) -> Resolved:
    if request.has_arguments:
        raise TargetError(f"{request.target}: arguments need one model; name it as in model.py:UNet")
    files = folder_files(str(folder)) or ()
    found = [item for file in files for item in _resolve_member(Path(file), request)]
    parts = [(item.path, item.name) for item in found if item.path is not None and is_part(item)]
    elsewhere = parts_elsewhere(parts, files)
    return [item for item in found if not (is_part(item) and (item.path, item.name) in elsewhere)]


def _resolve_member(path: Path, request: _Request) -> Resolved:
    display = path.as_posix()
    try:
        syntax = parse(path)
        if not syntax.runs_a_program() or request.entries_for(path):
            return _resolve_file(syntax, display, "", request)
        return [_program(path, display)] if syntax.defines_model() or syntax.holds_model() else []
    except TargetError as error:
        return [SkippedTarget(display, path.stem, display, None, str(error), error=error)]


def _program(path: Path, display: str) -> SkippedTarget:
    """A script that nobody asked to run: linting a folder must not start a training."""
    reason = (
        f'{display} runs a program when it is imported; move that under if __name__ == "__main__":, name the '
        f'file itself to run it, or add {HEADER} with target = "{display}:Model" to pyproject.toml'
    )
    return SkippedTarget(display, path.stem, display, None, reason)


def is_part(item: ModelTarget | SkippedTarget) -> bool:
    """Whether ``item`` may be a part of a model: what was skipped because it needs arguments."""
    return isinstance(item, SkippedTarget) and item.error is None


def _is_used(stem: str, name: str, syntaxes: list[FileSyntax]) -> bool:
    return any(
        stem in syntax.modules and any(name in syntax.references[other] for other in syntax.classes)
        for syntax in syntaxes
    )


def python_files(folder: Path) -> Iterator[Path]:
    """The Python files that linting ``folder`` looks at, in order: not those of environments and builds."""
    for current, folders, files in os.walk(folder):
        here = Path(current)
        folders[:] = sorted(name for name in folders if not _is_skipped(here / name))
        yield from (
            here / name for name in sorted(files) if name.endswith(".py") and not name.startswith(".")
        )


def _is_skipped(folder: Path) -> bool:
    name = folder.name
    if name.startswith(".") or name in _SKIPPED_FOLDERS or name.endswith(".egg-info"):
        return True
    return (folder / "pyvenv.cfg").exists()


def _resolve_file(syntax: FileSyntax, display: str, attribute: str, request: _Request) -> Resolved:
    entries = request.entries_for(syntax.path)
    if not attribute and not entries and not (syntax.defines_model() or syntax.holds_model()):
        return []
    module, workspace = import_file(syntax, display, request.workspaces)
    file = ModelFile(syntax, display, module, workspace)
    if attribute:
        return _named(file, attribute, entries, request)
    found = [_configured(file, entry, name) for entry, name in entries]
    configured = {name for _, name in entries}
    others = [item for item in file.discover() if item.name not in configured]
    if request.has_arguments:
        return [_only_one(file, [*found, *others], request)]
    return sorted([*found, *others], key=lambda item: item.line or 0)


def _named(
    file: ModelFile, attribute: str, entries: list[tuple[ModelConfig, str]], request: _Request
) -> Resolved:
    matching = [entry for entry, name in entries if name == attribute]
    if matching and not request.has_arguments:
        return [_insist(file.configured(entry, attribute)) for entry in matching]
    found = _insist(file.named(attribute, request.args, request.kwargs))
    return [replace(found, config=matching[0]) if matching else found]


def _configured(file: ModelFile, entry: ModelConfig, name: str) -> ModelTarget | SkippedTarget:
    return file.configured(entry, name)


def _only_one(file: ModelFile, found: Resolved, request: _Request) -> ModelTarget:
    if len(found) != 1:
        names = ", ".join(item.target for item in found) or "none"
        raise TargetError(
            f"{request.target}: arguments need one model, and the file has {names}; name the one you mean"
        )
    return _insist(file.named(found[0].name, request.args, request.kwargs))


def _insist(found: ModelTarget | SkippedTarget) -> ModelTarget:
    """A model that the user asked for by name cannot be skipped."""
    if isinstance(found, SkippedTarget):
        or_else = ", or pass --kwargs" if found.snippet else " and name that"
        raise TargetError(f"{found.target}: {found.reason}{or_else}")
    return found


def _no_such_file(path: Path) -> str:
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


# -- dotted targets -----------------------------------------------------------------------------------


def _resolve_dotted(location: str, attribute: str, request: _Request) -> Resolved:
    if not attribute and "." not in location and not is_importable(location):
        raise TargetError(_no_such_file(Path(location)))
    module, workspace = _import_module(location, attribute, request)
    entries = [entry for entry in request.models if entry.target == request.target]
    if not attribute:
        return _module_models(module, location, workspace, request)
    if entries and not request.has_arguments:
        return [_dotted_target(module, workspace, entry.target, attribute, entry) for entry in entries]
    entry = ModelConfig(target=request.target, args=list(request.args), kwargs=request.kwargs)
    made = _dotted_target(module, workspace, request.target, attribute, entry)
    return [replace(made, config=entries[0] if entries else None)]


def _import_module(location: str, attribute: str, request: _Request) -> tuple[ModuleType, Workspace]:
    try:
        return import_dotted(location, request.workspaces)
    except TargetError as error:
        parent, _, last = location.rpartition(".")
        cause = error.__cause__
        if attribute or not parent or not (isinstance(cause, ModuleNotFoundError) and cause.name == location):
            raise
        # "package.module.Net": the last part may be a name in the module.
        module, _ = import_dotted(parent, request.workspaces)
        attribute_of(module, last, parent)
        raise TargetError(f'{location} is not a module; did you mean "{parent}:{last}"?') from error


def _module_models(module: ModuleType, location: str, workspace: Workspace, request: _Request) -> Resolved:
    source = getattr(module, "__file__", None)
    if not source or not source.endswith(".py"):
        raise TargetError(f"{location} has no Python source; name the model as in {location}:Net")
    file = ModelFile(parse(Path(source)), location, module, workspace)
    found: Resolved = [replace(item, path=shown(source)) for item in file.discover()]
    return [_only_one(file, found, request)] if request.has_arguments else found


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
        kind = f"the class {value.__name__}" if inspect.isclass(value) else f"a {type(value).__name__}"
        raise TargetError(
            f"{target} is {kind}, not a model; name a torch.nn.Module, a class of one, or a function that "
            "returns one"
        )
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
    syntax: FileSyntax = parse(Path(source))
    return ModelFile(syntax, target.rpartition(":")[0], module, workspace).demos(attribute)
