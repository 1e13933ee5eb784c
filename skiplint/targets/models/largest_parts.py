"""The parts of a model: the project's module classes that it is made of."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from skiplint.sources.paths import shown
from skiplint.targets.models import modelhood
from skiplint.targets.models.project import Project
from skiplint.targets.records import BuiltWith, Constructor, ModelTarget, SkippedTarget
from skiplint.targets.snippets import missing_arguments


def parts_of(target: ModelTarget, project: Project) -> tuple[ModelTarget, ...]:
    """The module classes that the code of ``target`` uses, those with the most parts of their own first.

    Args:
        target: a model that cannot be constructed.
        project: its project; classes from elsewhere are no parts.
    """
    if target.constructor is None:
        return ()
    found = {
        id(cls): cls for cls in _classes(target.constructor, project) if cls is not target.constructor.value
    }
    made = [_target(cls, target) for cls in found.values()]
    return tuple(sorted(made, key=lambda part: -_weight(part, project)))


def _classes(constructor: Constructor, project: Project) -> Iterator[type]:
    for name in sorted(_names(constructor.value, constructor.path, project)):
        value: Any = constructor.namespace.get(name)
        if inspect.isclass(value) and modelhood.is_model_class(value):
            path = _file(value)
            if path is not None and path in project.files.of_kind("python"):
                yield value


def _names(value: Any, path: Path, project: Project) -> frozenset[str]:
    """The names that the definition of ``value`` uses."""
    known = path in project.files.of_kind("python")
    syntax = project.syntax(path) if known else None
    return syntax.references.get(getattr(value, "__name__", ""), frozenset()) if syntax else frozenset()


def _file(value: Callable[..., Any]) -> Path | None:
    module = sys.modules.get(value.__module__)
    name = getattr(module, "__file__", None)
    return None if name is None else Path(name).resolve()


def _weight(part: ModelTarget, project: Project) -> int:
    assert part.constructor is not None
    syntax = project.syntax(part.constructor.path)
    return len(syntax.reachable(part.name)) if syntax else 0


def _target(cls: type, whole: ModelTarget) -> ModelTarget:
    path = _file(cls)
    assert path is not None
    line = inspect.getsourcelines(cls)[1]
    place = shown(str(path))
    constructor = Constructor(cls.__name__, cls, path, vars(sys.modules[cls.__module__]))
    name = f"{place}:{cls.__name__}"
    missing = missing_arguments(cls)
    unbuilt = None
    if missing:
        needs = ", ".join(parameter.name for parameter in missing)
        unbuilt = SkippedTarget(name, cls.__name__, place, line, f"{cls.__name__} needs {needs}")
    return ModelTarget(
        target=name,
        name=cls.__name__,
        path=place,
        line=line,
        build=constructor.way(BuiltWith()).make,
        environment=whole.environment,
        constructor=constructor,
        unbuilt=unbuilt,
    )
