"""Ways to construct a model from the configuration files of its project: source "config file"."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from skiplint.targets.arguments.call_sites import distance
from skiplint.targets.arguments.parameters import parameters_of, required
from skiplint.targets.arguments.settings_objects import SettingsParameter, settings_parameter
from skiplint.targets.arguments.values import key_of
from skiplint.targets.evaluation.containers import Settings, settings
from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.evaluation.files import composed, project_config
from skiplint.targets.evaluation.imports import Package, project_file
from skiplint.targets.evaluation.passed import ProjectReading
from skiplint.targets.models.project import Project
from skiplint.targets.records import Arguments, BuiltWith, Constructor, Ways

_MOST_WAYS = 12
_MOST_LEVELS = 2_000
_MOST_FILES = 80
_NAMING = tuple("_target_ target class_path type name arch model model_name class class_name".split())
"""Keys whose value names the class of a mapping: of Hydra, latent-diffusion, Lightning, mmengine."""
_HOLDING = ("params", "init_args", "args", "kwargs", "parameters", "model_args", "config")
"""Keys of the mapping with the arguments, beside the key that names the class."""
_OF_TOOLS = frozenset(
    "pyproject.toml skiplint.toml Cargo.toml package.json package-lock.json mkdocs.yml environment.yml "
    "docker-compose.yml action.yml cog.yaml pyrightconfig.json".split()
)
"""Files that configure tools and no model."""
_CONFIG_SUFFIXES = (".yaml", ".yml", ".json", ".toml")


@dataclass(frozen=True)
class _Level:
    """A mapping in a configuration file."""

    path: Path
    keys: tuple[str, ...]
    values: Mapping[str, Any] = field(repr=False)
    above: tuple[Mapping[str, Any], ...] = field(repr=False, default=())


def config_files(constructor: Constructor, project: Project) -> Ways:
    """The constructor with the arguments that configuration files of the project have for it.

    First what names the class, then what has a value for each parameter that needs one, each the nearest
    first; files that a default or a parameter for a path names come last.
    """
    seen: set[str] = set()
    found = 0
    for place, make in _offers(constructor, project):
        try:
            key = key_of(make())
        except NotSimpleError:
            continue
        if key not in seen:
            seen.add(key)
            yield constructor.way(BuiltWith("config file", place, make))
            found += 1
        if found == _MOST_WAYS:
            return


def _offers(constructor: Constructor, project: Project) -> Iterator[tuple[str, Callable[[], Arguments]]]:
    root = project.files.root
    parameters = parameters_of(constructor.value) or []
    known = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    needed = [p.name for p in required(parameters)]
    name = constructor.name.rpartition(".")[2]
    for level, given in _named(constructor, project, name):
        if all(parameter in given for parameter in needed) and given:
            taken = {key: value for key, value in given.items() if takes_any or key in known}
            yield _shown(level.path, root), partial(_arguments, constructor, project, taken)
    yield from _python_configs(constructor, project, name, set(known), needed)
    wanted = settings_parameter(constructor, project)
    if wanted is not None:
        for level in _with_settings(constructor, project, wanted):
            yield _shown(level.path, root), partial(_with_object, wanted, level.values)
    elif needed:
        for level in _covering(constructor, project, needed):
            taken = {key: value for key, value in level.values.items() if key in known}
            for mapping in reversed(level.above):
                taken.update({key: mapping[key] for key in needed if key not in taken})
            yield _shown(level.path, root), partial(_arguments, constructor, project, taken)
    for path, given in _paths(constructor, project, parameters):
        yield _shown(path, root), partial(_arguments, constructor, project, given)


def _arguments(constructor: Constructor, project: Project, given: Mapping[str, Any]) -> Arguments:
    return (), {key: _instance(constructor, project, value) for key, value in given.items()}


def _with_object(wanted: SettingsParameter, values: Mapping[str, Any]) -> Arguments:
    return wanted.arguments(settings(dict(values)))


# -- levels -----------------------------------------------------------------------------------------


def _levels(project: Project, path: Path) -> Iterator[_Level]:
    """The mappings in a file, outer ones first."""
    try:
        data = composed(project, path)
    except NotSimpleError:
        return
    pending: list[tuple[tuple[str, ...], Any, tuple[Mapping[str, Any], ...]]] = [((), data, ())]
    for _ in range(_MOST_LEVELS):
        if not pending:
            return
        keys, value, above = pending.pop(0)
        if isinstance(value, dict):
            yield _Level(path, keys, value, above)
            pending += [((*keys, str(key)), item, (*above, value)) for key, item in value.items()]
        elif isinstance(value, list) and len(value) < 100:
            pending += [(keys, item, above) for item in value if isinstance(item, dict)]


def _near(constructor: Constructor, paths: Any) -> list[Path]:
    return sorted(paths, key=lambda path: (distance(constructor.path, path), str(path)))[:_MOST_FILES]


def _named(
    constructor: Constructor, project: Project, name: str
) -> Iterator[tuple[_Level, Mapping[str, Any]]]:
    """Mappings that name the class, each with the arguments in it."""
    for path in _near(constructor, project.files.mentioning(name, "config")):
        for level in _levels(project, path):
            if level.keys[-1:] == (name,):
                yield level, level.values
            for key in _NAMING:
                value = level.values.get(key)
                if not isinstance(value, str) or value.rpartition(".")[2] != name:
                    continue
                if "." in value and not _is_of(constructor, value):
                    continue
                inner = next((k for k in _HOLDING if isinstance(level.values.get(k), dict)), None)
                rest = {k: v for k, v in level.values.items() if k != key and not str(k).startswith("_")}
                yield level, rest if inner is None else level.values[inner]


def _is_of(constructor: Constructor, full: str) -> bool:
    """Whether the dotted name of a class may be that of the constructor: its module has the file's name."""
    parts = full.split(".")[:-1]
    home = [*constructor.path.with_suffix("").parts]
    return any(part in home for part in parts)


def _covering(constructor: Constructor, project: Project, needed: list[str]) -> list[_Level]:
    """Mappings with a value for each parameter that needs one; those that inherit some come last."""
    files = [set(project.files.mentioning(name, "config")) for name in needed]
    found: list[tuple[tuple[Any, ...], _Level]] = []
    for path in _near(constructor, set.intersection(*files)):
        for level in _levels(project, path):
            own = sum(name in level.values for name in needed)
            if own == 0 or (own < len(needed) and own < 2):
                continue
            if all(name in level.values or any(name in above for above in level.above) for name in needed):
                rank = (own < len(needed), -_likeness(constructor, level), distance(constructor.path, path))
                found.append((rank, level))
    return [level for _, level in sorted(found, key=lambda each: each[0])]


def _likeness(constructor: Constructor, level: _Level) -> int:
    """How many parts of the place of a mapping speak of the model."""
    words = {constructor.name.lower(), constructor.path.stem.lower(), "model", "net", "network", "arch"}
    places = {*(key.lower() for key in level.keys), level.path.stem.lower()}
    return len(words & places)


def _with_settings(constructor: Constructor, project: Project, wanted: SettingsParameter) -> Iterator[_Level]:
    names = [*wanted.reads, *wanted.others]
    files = [set(project.files.mentioning(name, "config")) for name in names]
    for path in _near(constructor, set.intersection(*files)):
        yield from (level for level in _levels(project, path) if wanted.fits(level.values))


def _paths(
    constructor: Constructor, project: Project, parameters: list[inspect.Parameter]
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Files that a default such as ``cfg="model.yaml"`` names, and those for a parameter that is opened."""
    needed = required(parameters)
    for parameter in parameters:
        default = parameter.default
        if isinstance(default, str | PurePath) and str(default).endswith(_CONFIG_SUFFIXES) and not needed:
            path = project_config(project, constructor.path, str(default))
            if path is not None:
                yield path, {parameter.name: str(path)}
    if len(needed) == 1 and _opens(constructor, needed[0].name):
        for path in _near(constructor, project.files.of_kind("config")):
            if path.name not in _OF_TOOLS:
                yield path, {needed[0].name: str(path)}


def _opens(constructor: Constructor, parameter: str) -> bool:
    """Whether the constructor opens or loads what a parameter names."""
    value = constructor.value
    start = value.__init__ if inspect.isclass(value) else value  # type: ignore[misc]
    try:
        source = inspect.cleandoc("\n" + inspect.getsource(start))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return False
    return any(
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", ""))
        in ("open", "load", "fromfile", "load_config")
        and any(isinstance(argument, ast.Name) and argument.id == parameter for argument in node.args)
        for node in ast.walk(tree)
    )


# -- values -----------------------------------------------------------------------------------------


def _instance(constructor: Constructor, project: Project, value: Any) -> Any:
    """A value of a file as an argument: mappings with ``_target_`` made what they name, others settings."""
    if isinstance(value, list):
        return [_instance(constructor, project, item) for item in value]
    if not isinstance(value, dict):
        return value
    target = value.get("_target_", value.get("class_path"))
    if not isinstance(target, str):
        return settings({key: _instance(constructor, project, item) for key, item in value.items()})
    given = value["init_args"] if isinstance(value.get("init_args"), dict) else value
    kwargs = {
        key: _instance(constructor, project, item)
        for key, item in given.items()
        if not str(key).startswith("_") and key != "class_path"
    }
    reading = ProjectReading(project, {constructor.path: constructor.namespace})
    made = _imported(reading, constructor, target)
    args = tuple(_instance(constructor, project, item) for item in value.get("_args_", ()))
    return partial(made, *args, **kwargs) if value.get("_partial_") else reading.call(made, args, kwargs)


def _imported(reading: ProjectReading, constructor: Constructor, target: str) -> Any:
    """The thing that a dotted name stands for."""
    module, _, name = target.rpartition(".")
    path = project_file(reading.project, constructor.path, module, 0)
    try:
        return reading.definition(path, name) if path is not None else Package(module).attribute(name)
    except AttributeError as error:
        raise NotSimpleError(f"no {target}") from error


def _shown(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


# -- configuration in Python ------------------------------------------------------------------------


def _python_configs(
    constructor: Constructor, project: Project, name: str, known: set[str], needed: list[str]
) -> Iterator[tuple[str, Callable[[], Arguments]]]:
    """``model = dict(type="Net", ...)`` in Python files, over the files that ``_base_`` names."""
    for path in _near(constructor, project.files.mentioning(name, "python")):
        file = project.syntax(path)
        if file is None or path == constructor.path:
            continue
        for node in ast.walk(file.tree):
            if not _is_typed(node, name):
                continue

            def make(file: Any = file, node: Any = node) -> Arguments:
                reading = ProjectReading(project, {constructor.path: constructor.namespace})
                values = Settings(reading.at(file, node).evaluator.evaluate(node))
                if not all(parameter in values for parameter in needed):
                    values = _over_base(reading, file, node, values)
                if not all(parameter in values for parameter in needed):
                    raise NotSimpleError("not all that is needed")
                return (), {key: value for key, value in values.items() if key in known}

            yield f"{_shown(path, project.files.root)}:{getattr(node, 'lineno', 0)}", make


def _is_typed(node: ast.AST, name: str) -> bool:
    """Whether a dictionary has the item ``type="Net"``."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":
        pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
    elif isinstance(node, ast.Dict):
        pairs = [
            (getattr(key, "value", None), value) for key, value in zip(node.keys, node.values, strict=True)
        ]
    else:
        return False
    return any(
        key == "type" and name in (getattr(value, "value", None), getattr(value, "id", None))
        for key, value in pairs
    )


def _over_base(reading: ProjectReading, file: Any, node: ast.AST, values: Settings) -> Settings:
    """``values`` laid over the variable of the same name in the files that ``_base_`` names."""
    variable = next((name for name, (_, value) in file.assignments.items() if value is node), None)
    if variable is None or "_base_" not in file.assignments:
        return values
    bases = reading.module(file).value("_base_")
    for base in [bases] if isinstance(bases, str) else bases:
        path = (file.path.parent / base).resolve()
        if path in reading.project.files.of_kind("python"):
            below = reading.definition(path, variable)
            return Settings(below).merged(values) if isinstance(below, dict) else values
    return values
