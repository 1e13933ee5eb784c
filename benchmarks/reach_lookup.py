"""The projects of reach.py, and what a report says of each of their top-level models."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CAUSES = (  # what a reason says -> why the model is missed, the first that matches
    (
        r'imports? "?([\w.]+)"?, which is not installed|No module named \'([\w.]+)\'',
        "imports a package that is not installed",
    ),
    (r"timed? ?out|took longer|time limit|seconds", "takes too long"),
    (r"memory", "takes too much memory"),
    (r" needs ", "arguments of the constructor not found"),
    (r"cannot be built", "construction fails"),
    (r"none of the inputs|needs inputs|no inputs", "inputs not found"),
    (r"no report", "the run of the project gave no report"),
    (r"not among", "not found among the project's models"),
    (r"import|cannot be loaded|loading", "the file cannot be imported"),
)


Entry = Mapping[str, Any]
INSIDE = "inside another model"


@dataclass(frozen=True)
class Wanted:
    """One top-level model of a project."""

    path: str
    """The end of its file's path, empty if its name is unique in the project's folder."""
    names: tuple[str, ...]

    @property
    def shown(self) -> str:
        return f"{self.path}:{self.names[0]}" if self.path else self.names[0]


@dataclass(frozen=True)
class Project:
    name: str
    version: str
    kind: str
    folder: str
    models: tuple[Wanted, ...]

    @property
    def spec(self) -> str:
        return f"{self.name}-{self.version}"


@dataclass(frozen=True)
class Result:
    """What became of one model: where its arguments come from if it is traced, and why it is not."""

    wanted: Wanted
    source: str | None
    reason: str = ""

    @property
    def cause(self) -> str:
        return next((cause for pattern, cause in CAUSES if re.search(pattern, self.reason)), "tracing fails")


def projects(path: Path, names: Sequence[str]) -> list[Project]:
    """The projects of a file, all or those named."""
    with path.open("rb") as file:
        entries = tomllib.load(file)["project"]
    if unknown := set(names) - {entry["name"] for entry in entries}:
        raise SystemExit(f"{path.name} has no project {', '.join(sorted(unknown))}")
    return [
        Project(
            e["name"], e["version"], e["kind"], e["folder"], tuple(wanted(model) for model in e["models"])
        )
        for e in entries
        if not names or e["name"] in names
    ]


def wanted(text: str) -> Wanted:
    path, _, names = text.rpartition(":")
    return Wanted(path, tuple(names.split("|")))


def results(project: Project, folder: Path, report: Path) -> tuple[tuple[Result, ...], int]:
    """What became of every wanted model, and the number of models in the report."""
    try:
        entries = json.loads(report.read_text())["models"]
    except (OSError, ValueError):
        return tuple(Result(model, None, "no report") for model in project.models), 0
    entries = [entry for entry in entries if entry.get("path")]
    code = Code(folder)
    return tuple(result(model, project, entries, code) for model in project.models), len(entries)


def result(model: Wanted, project: Project, entries: Sequence[Entry], code: Code) -> Result:
    """What became of a model, by itself, made by a factory of its file, or as a part of another."""
    places = code.places(model, "" if project.folder == "." else f"{project.folder}/")
    files = {path for path, _ in places}
    own = [entry for entry in entries if (entry["path"], named(entry)) in places]
    made = [e for e in entries if e["path"] in files and code.makes(e["path"], named(e), model.names)]
    for entry in own + made:
        if entry["status"] == "traced":
            return Result(model, (entry.get("built_with") or {}).get("source") or "defaults")
    for entry in entries:
        if entry["status"] == "traced" and model.names[0] in code.parts(entry["path"], named(entry)):
            return Result(model, INSIDE)
    reasons = [entry["reason"] for entry in own + made if entry.get("reason")]
    # A file can fail as a whole.
    reasons += [
        e["reason"] for e in entries if e["path"] in files and e["status"] == "failed" and e["reason"]
    ]
    return Result(model, None, reasons[0] if reasons else "not among the models of the report")


def named(entry: Entry) -> str:
    """The class or factory that an entry is about."""
    return str(entry["target"]).rpartition(":")[2] or str(entry["name"])


@dataclass(frozen=True)
class Definition:
    """A function, class or assignment at the top level of a file, and the names in it."""

    is_function: bool
    names: frozenset[str]


class Code:
    """The definitions of a project."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, dict[str, Definition]] = {}
        for path in sorted(folder.rglob("*.py")):
            found = dict(definitions(path))
            self._files[path.relative_to(folder).as_posix()] = found
        self._by_name: dict[str, list[Definition]] = {}
        for file in self._files.values():
            for name, definition in file.items():
                if not definition.is_function:
                    self._by_name.setdefault(name, []).append(definition)

    def places(self, model: Wanted, inside: str) -> set[tuple[str, str]]:
        """The file and name of each definition of a model."""
        ending = f"/{model.path}" if model.path else ""
        return {
            (path, name)
            for path, file in self._files.items()
            if path.startswith(inside)
            for name in model.names
            if name in file and (name != model.names[0] or f"/{path}".endswith(ending))
        }

    def makes(self, path: str, function: str, classes: Sequence[str]) -> bool:
        """Whether a function names one of some classes, or calls a function of its file that does."""
        file, seen, ahead = self._files.get(path, {}), set[str](), [function]
        while ahead:
            name = ahead.pop()
            if name in seen or name not in file or not file[name].is_function:
                continue
            seen.add(name)
            if file[name].names & set(classes):
                return True
            ahead += file[name].names
        return False

    def parts(self, path: str, name: str) -> set[str]:
        """The classes that a definition of a file names, directly or through other classes of the project."""
        first = self._files.get(path, {}).get(name)
        seen, ahead = set[str](), set(first.names) if first else set[str]()
        while ahead:
            inner = ahead.pop()
            if inner not in seen and inner in self._by_name:
                seen.add(inner)
                ahead |= set[str]().union(*(definition.names for definition in self._by_name[inner]))
        return seen


def definitions(path: Path) -> Iterator[tuple[str, Definition]]:
    """The definitions at the top level of a file."""
    try:
        tree = ast.parse(path.read_text(errors="replace"))
    except (OSError, SyntaxError):
        return
    for node in tree.body:
        names = frozenset(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, Definition(isinstance(node, ast.FunctionDef), names)
        elif isinstance(node, ast.Assign):
            targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
            yield from ((target, Definition(False, names)) for target in targets)
