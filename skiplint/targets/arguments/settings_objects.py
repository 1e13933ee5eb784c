"""Ways to construct a model that takes its settings as one object: with those that the project defines."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from skiplint.targets.arguments.call_sites import distance
from skiplint.targets.arguments.origins import dotted
from skiplint.targets.arguments.parameters import parameters_of, required
from skiplint.targets.arguments.reads import Reads, covers, settings_read
from skiplint.targets.arguments.values import key_of
from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.evaluation.passed import ProjectReading
from skiplint.targets.models.project import Project
from skiplint.targets.models.syntax import FileSyntax
from skiplint.targets.records import Arguments, BuiltWith, Constructor, Ways

_NAME = re.compile(
    r"^(\w+_)?(config|configs|cfg|conf|args|params|hparams|hps?|opts?|options|settings|configuration)$"
)
_MAKES = re.compile(r"(config|cfg|default|hparam|param|setting|option|opt|arg)s?", re.IGNORECASE)
_MOST_WAYS = 6
_MOST_FILES = 40


@dataclass(frozen=True)
class SettingsParameter:
    """A parameter that holds settings, and what is read of them."""

    name: str
    reads: Reads
    others: tuple[str, ...]
    """The other parameters without a default, whose values settings may have as well."""

    def arguments(self, held: Any) -> Arguments:
        """The arguments where the settings are ``held``."""
        found = {name: _item(held, name) for name in self.others}
        return (), {self.name: held, **found}

    def fits(self, held: Any) -> bool:
        """Whether ``held`` has all that is read."""
        return covers(held, self.reads) and covers(held, {name: {} for name in self.others})


def settings_parameter(constructor: Constructor, project: Project) -> SettingsParameter | None:
    """The parameter of ``constructor`` that holds its settings; None without one."""
    missing = required(parameters_of(constructor.value) or [])
    file = _file(constructor, project)
    if file is None:
        return None
    for parameter in missing:
        reads = settings_read(project, file, constructor.name, parameter.name)
        if reads and (_NAME.match(parameter.name) or _is_record(parameter.annotation)):
            others = tuple(p.name for p in missing if p.name != parameter.name)
            return SettingsParameter(parameter.name, reads, others)
    return None


def settings_objects(constructor: Constructor, project: Project) -> Ways:
    """The constructor with each object of the project that has the settings which it reads.

    Instances of dataclasses and other classes that need no arguments, what functions such as
    ``get_default_config`` return, the defaults of command-line parsers, and mappings at module level.
    """
    wanted = settings_parameter(constructor, project)
    if wanted is None:
        return
    seen: set[str] = set()
    made = 0
    for candidate in _candidates(constructor, project, wanted):
        try:
            held = candidate.make(_reading(constructor, project))
        except (NotSimpleError, AttributeError):
            continue
        if not wanted.fits(held) or (key := key_of(held)) in seen:
            continue
        seen.add(key)

        def arguments(candidate: _Candidate = candidate) -> Arguments:
            return wanted.arguments(candidate.make(_reading(constructor, project)))

        yield constructor.way(BuiltWith("project", candidate.place(project.files.root), arguments))
        made += 1
        if made == _MOST_WAYS:
            return


@dataclass(frozen=True)
class _Candidate:
    path: Path
    line: int
    make: Callable[[ProjectReading], Any] = field(repr=False)

    def place(self, root: Path) -> str:
        shown = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        return f"{shown.as_posix()}:{self.line}"


def _candidates(constructor: Constructor, project: Project, wanted: SettingsParameter) -> list[_Candidate]:
    annotation = _annotated(constructor, wanted.name)
    files = {file.path: file for file in _mentioning_all(project, wanted.reads)}
    if annotation:
        files.update({file.path: file for file in project.mentioning(annotation)})
    near = sorted(files.values(), key=lambda file: distance(constructor.path, file.path))[:_MOST_FILES]
    found = [candidate for file in near for candidate in _in_file(file, annotation)]
    return [candidate for _, candidate in sorted(found, key=lambda each: each[0])]


def _mentioning_all(project: Project, names: Reads) -> list[FileSyntax]:
    """The Python files in which all of ``names`` stand; an option of a command line has dashes."""
    found: set[Path] | None = None
    for name in names:
        spellings = dict.fromkeys([name, name.replace("_", "-")])
        paths = {path for word in spellings for path in project.files.mentioning(word, "python")}
        found = paths if found is None else found & paths
    syntaxes = (project.syntax(path) for path in sorted(found or ()))
    return [syntax for syntax in syntaxes if syntax is not None]


def _in_file(file: FileSyntax, annotation: str) -> Iterator[tuple[int, _Candidate]]:
    """What may hold settings in one file, each with a rank: the annotated class comes first."""
    for name, node in file.classes.items():
        if any(dotted(parent)[-1:] == ("Module",) for parent in node.bases):
            continue
        rank = 0 if name == annotation else 1 if _MAKES.search(name) else 4
        yield rank, _Candidate(file.path, node.lineno, _called(file, name))
    for name, function in file.functions.items():
        if _MAKES.search(name) and not _needs(function):
            yield 2, _Candidate(file.path, function.lineno, _called(file, name))
    for name, (line, _) in file.assignments.items():
        yield 3, _Candidate(file.path, line, partial(_value, file, name))
    for call in ast.walk(file.tree):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "parse_args":
            yield 3, _Candidate(file.path, call.lineno, partial(_at, file, call))


def _value(file: FileSyntax, name: str, reading: ProjectReading) -> Any:
    return reading.module(file).value(name)


def _at(file: FileSyntax, node: ast.expr, reading: ProjectReading) -> Any:
    return reading.at(file, node).evaluator.evaluate(node)


def _called(file: FileSyntax, name: str) -> Callable[[ProjectReading], Any]:
    def make(reading: ProjectReading) -> Any:
        from torch import nn

        value = reading.module(file).value(name)
        if isinstance(value, type) and issubclass(value, nn.Module):
            raise NotSimpleError(f"{name} is a module")
        return reading.call(value, (), {})

    return make


def _reading(constructor: Constructor, project: Project) -> ProjectReading:
    return ProjectReading(project, {constructor.path: constructor.namespace})


def _needs(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = node.args
    return len(arguments.args) > len(arguments.defaults) or None in arguments.kw_defaults


def _annotated(constructor: Constructor, name: str) -> str:
    for parameter in parameters_of(constructor.value) or []:
        if parameter.name == name and parameter.annotation is not parameter.empty:
            annotation = parameter.annotation
            text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
            return text.rpartition(".")[2].strip("'\" ")
    return ""


def _is_record(annotation: Any) -> bool:
    if annotation is inspect.Parameter.empty or annotation in (int, float, str, bool, list, tuple):
        return False
    from torch import nn

    return isinstance(annotation, str) or (
        isinstance(annotation, type) and not issubclass(annotation, nn.Module)
    )


def _file(constructor: Constructor, project: Project) -> FileSyntax | None:
    inside = constructor.path in project.files.of_kind("python")
    return project.syntax(constructor.path) if inside else None


def _item(held: Any, name: str) -> Any:
    return held[name] if isinstance(held, dict) else getattr(held, name)
