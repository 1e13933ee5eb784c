"""What frames share while the arguments of one call are evaluated: the project, limits, and whom to ask."""

from __future__ import annotations

import argparse
import ast
import copy
import dataclasses
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from skiplint.targets.environment.tool_files import is_of_a_tool
from skiplint.targets.evaluation import imports
from skiplint.targets.evaluation.calls import BUILTINS, is_harmless, is_of_module, is_plain
from skiplint.targets.evaluation.containers import Settings
from skiplint.targets.evaluation.expressions import NotSimpleError, Unevaluated
from skiplint.targets.evaluation.files import FILE_FUNCTIONS
from skiplint.targets.evaluation.frames import Frame, own_statements, statements_around
from skiplint.targets.evaluation.functions import Class, Function, Record, fields_of
from skiplint.targets.evaluation.slices import Body, FunctionNode, body_of
from skiplint.targets.models.project import Project
from skiplint.targets.models.syntax import FileSyntax, may_be_module

_MOST_STATEMENTS = 4_000
_MOST_CALLS = 24
"""Calls inside of each other."""


class ProjectModule:
    """A file of the project as a module: its names are found without running it."""

    def __init__(self, path: Path) -> None:
        """Stand for the module of ``path``."""
        self.path = path


class Instance:
    """``self`` in a method that nobody called: what its attributes are, other methods say."""

    def __init__(self, frame: Frame, node: ast.ClassDef) -> None:
        """Stand for an instance of the class ``node``, which is defined in ``frame``."""
        self.frame, self.node = frame, node


class Reading:
    """One evaluation: each object that it gives is made for it."""

    def __init__(
        self,
        project: Project,
        namespaces: Mapping[Path, Mapping[str, Any]],
        *,
        pick: int = 0,
        runs_modules: bool = False,
        bodies: dict[int, Body] | None = None,
    ) -> None:
        """Set up an evaluation.

        Args:
            project: whose files are read.
            namespaces: by file, the names of modules that are imported.
            pick: where a name has several values (of a loop, of a parametrised test), which one is taken.
            runs_modules: make calls of modules and of their methods, as inputs of a model may need.
            bodies: what earlier evaluations have read of the same syntax trees.
        """
        self.project = project
        self._pick = pick
        self.has_picked = False
        """Whether a name with several values was met."""
        self._runs_modules = runs_modules
        self._namespaces = dict(namespaces)
        self._bodies = {} if bodies is None else bodies
        self._modules: dict[Path, Frame] = {}
        self._spent = 0
        self._depth = 0
        self._asked: set[tuple[int, str]] = set()

    def picked(self, values: Sequence[Any]) -> Any:
        """One of several values that a name has, of a loop or of a parametrised test.

        Raises:
            NotSimpleError: there is none.
        """
        if not values:
            raise NotSimpleError("nothing to go through")
        self.has_picked = True
        return values[self._pick % len(values)]

    # -- limits -----------------------------------------------------------------------------------

    def spend(self) -> None:
        """Count a statement.

        Raises:
            NotSimpleError: there were too many.
        """
        self._spent += 1
        if self._spent > _MOST_STATEMENTS:
            raise NotSimpleError("too many statements")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One call further in."""
        if self._depth >= _MOST_CALLS:
            raise NotSimpleError("too many calls inside of each other")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    # -- frames -----------------------------------------------------------------------------------

    def body(self, node: ast.AST) -> Body:
        """The statements of a node, read once."""
        key = id(node)
        if key not in self._bodies:
            self._bodies[key] = body_of(node)
        return self._bodies[key]

    def module(self, file: FileSyntax) -> Frame:
        """The frame of a whole file."""
        if file.path not in self._modules:
            live = self._namespaces.get(file.path)
            self._modules[file.path] = Frame(self, file, file.tree, live=live)
        return self._modules[file.path]

    def at(self, file: FileSyntax, place: ast.AST) -> Frame:
        """The frame in which the node ``place`` of a file stands."""
        nodes = statements_around(file.tree, place)
        line = frozenset(own_statements(nodes))
        frame: Frame | None = None
        owner: ast.ClassDef | None = None
        for node in nodes:
            if isinstance(node, ast.Module):
                inner = any(isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef) for below in nodes)
                live = self._namespaces.get(file.path)
                frame = self.module(file) if inner else Frame(self, file, node, line=line, live=live)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                frame = Frame(self, file, node, frame, line=line, owner=owner)
                owner = None
            elif isinstance(node, ast.ClassDef):
                owner = node
        if frame is None:
            raise NotSimpleError("no such place")
        return frame

    def function(self, frame: Frame, node: FunctionNode) -> Function:
        """The function that ``node`` defines in ``frame``."""
        return Function(frame, node)

    def class_of(self, frame: Frame, node: ast.ClassDef) -> Any:
        """The class that ``node`` defines: imported where its file can be imported, else its reading."""
        if isinstance(frame.node, ast.Module) and frame.parent is None:
            namespace = self._live(frame.file, wanted=may_be_module(node) or bool(node.bases))
            if namespace is not None and isinstance(namespace.get(node.name), type):
                return namespace[node.name]
        return Class(frame, node)

    def _live(self, file: FileSyntax, *, wanted: bool) -> Mapping[str, Any] | None:
        """The names of the imported file; it is imported if that is ``wanted``."""
        if file.path not in self._namespaces:
            module = imports.live_module(file.path)
            may = file.path.suffix == ".py" and not is_of_a_tool(file.path)
            if module is None and wanted and may:
                module = imports.import_quietly(file.path)
            if module is None:
                return None
            self._namespaces[file.path] = vars(module)
        return self._namespaces[file.path]

    # -- names ------------------------------------------------------------------------------------

    def outer(self, frame: Frame, name: str) -> Any:
        """The value of a name that nothing in a module binds by name: by a star, or a builtin."""
        special = {
            "__name__": "__main__",
            "__file__": str(frame.file.path),
            "vars": _vars,
            "setattr": self._set,
        }
        if name in special:
            return special[name]
        for node in frame.file.statements:
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                path = imports.project_file(self.project, frame.file.path, node.module or "", node.level)
                try:
                    if path is not None:
                        return self.definition(path, name)
                    return self.attribute(imports.Package(node.module or ""), name)
                except (NotSimpleError, AttributeError):
                    continue
        if name in BUILTINS:
            return BUILTINS[name]
        if name in FILE_FUNCTIONS:
            return FILE_FUNCTIONS[name](self.project, frame.file.path)
        raise NotSimpleError(f"{name} has no value yet")

    def imports(
        self, file: FileSyntax, node: ast.Import | ast.ImportFrom
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        """The names that an import statement binds, each with what finds its value."""
        level = node.level if isinstance(node, ast.ImportFrom) else 0
        for bound, module, name in imports.imported_names(node):
            yield bound, partial(self._imported, file, module, name, level)

    def _imported(self, file: FileSyntax, module: str, name: str | None, level: int) -> Any:
        if not level and f"{module}.{name}" in FILE_FUNCTIONS:
            return FILE_FUNCTIONS[f"{module}.{name}"](self.project, file.path)
        path = imports.project_file(self.project, file.path, module, level)
        if path is None:
            package: Any = _Reader(module, self.project, file.path)
            return package if name is None else self.attribute(package, name)
        return ProjectModule(path) if name is None else self.definition(path, name)

    def definition(self, path: Path, name: str) -> Any:
        """The value of ``name`` in a file of the project.

        Raises:
            NotSimpleError: there is none, or it is unknown.
        """
        file = self.project.syntax(path) if path in self.project.files.of_kind("python") else None
        if file is None:
            raise NotSimpleError(f"{path.name} is no file of the project")
        with self.deeper():
            try:
                return self.module(file).value(name)
            except NotSimpleError:
                below = imports.submodule(path, name)
                if below is None:
                    raise
                return ProjectModule(below)

    def attribute(self, owner: Any, name: str) -> Any:
        """An attribute of a value, which may be a module or a class that is not imported."""
        if isinstance(owner, ProjectModule):
            return self.definition(owner.path, name)
        if isinstance(owner, imports.Package):
            return owner.attribute(name)
        if isinstance(owner, Class):
            return owner.attribute(name)
        if isinstance(owner, Instance):
            return self.instance_attribute(owner, name)
        if isinstance(owner, types.ModuleType) and f"{owner.__name__}.{name}" in imports.MACHINE:
            raise NotSimpleError(f"{owner.__name__}.{name} differs from machine to machine")
        return getattr(owner, name)

    def own(self, value: Any) -> Any:
        """``value`` of an imported module, or a copy where an expression could change it."""
        plain = isinstance(value, dict | list | set | types.SimpleNamespace | argparse.Namespace)
        if plain or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
            return copy.deepcopy(value)
        return value

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a value that this evaluation has made."""
        if isinstance(owner, type | types.ModuleType | types.FunctionType | Class | Instance | ProjectModule):
            raise NotSimpleError(f"{name} of something that is shared")
        setattr(owner, name, value)

    def _set(self, owner: Any, name: str, value: Any) -> None:
        self.set_attribute(owner, name, value)

    # -- calls ------------------------------------------------------------------------------------

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call gives; functions of the project are read, not run.

        Raises:
            NotSimpleError: the function may have effects, or it raised.
        """
        try:
            return self._call(function, args, kwargs)
        except NotSimpleError:
            raise
        except (Exception, SystemExit) as error:
            raise NotSimpleError(f"{getattr(function, '__name__', function)}: {error}") from error

    def _call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.spend()
        if isinstance(function, types.FunctionType) and (read := self._readable(function)) is not None:
            return read(*args, **kwargs)
        if isinstance(function, type) and (stated := self._stated(function)) is not None:
            return (function if is_plain(stated.node) else stated)(*args, **kwargs)
        if not self._runs_modules and is_of_module(function):
            raise NotSimpleError("runs a model")
        own = getattr(function, "__module__", None) or type(function).__module__
        if str(own).startswith("skiplint.") or isinstance(function, Unevaluated) or is_harmless(function):
            return function(*args, **kwargs)
        raise NotSimpleError(f"calls {getattr(function, '__name__', function)}()")

    def _stated(self, kind: type) -> Class | None:
        """The reading of an imported class of the project whose instances are no values of a known kind."""
        if is_harmless(kind):
            return None
        source = getattr(sys.modules.get(kind.__module__), "__file__", None)
        path = next((p for p, names in self._namespaces.items() if names.get(kind.__name__) is kind), None)
        path = path or (Path(source) if source else None)
        if path is None or path not in self.project.files.of_kind("python"):
            return None
        file = self.project.syntax(path)
        node = None if file is None else file.classes.get(kind.__name__)
        return None if file is None or node is None else Class(self.module(file), node)

    def _readable(self, function: types.FunctionType) -> Function | None:
        """The reading of an imported function of the project."""
        path = Path(function.__code__.co_filename)
        if path not in self.project.files.of_kind("python"):
            return None
        file = self.project.syntax(path)
        node = None if file is None else file.functions.get(function.__name__)
        if file is None or node is None or function.__qualname__ != function.__name__:
            return None
        return Function(self.module(file), node)

    # -- what nobody passes ------------------------------------------------------------------------

    def parameter(self, frame: Frame, name: str) -> Any:  # noqa: ARG002 - ProjectReading knows more
        """The value of a parameter in a function that is not called here.

        Raises:
            NotSimpleError: nothing says what it is.
        """
        raise NotSimpleError(f"{name} is a parameter")

    def instance_attribute(self, instance: Instance, name: str) -> Any:  # noqa: ARG002 - as above
        """An attribute of ``self`` in a method that is not called here.

        Raises:
            NotSimpleError: nothing says what it is.
        """
        raise NotSimpleError(f"{name} is an attribute")

    @contextmanager
    def asking(self, node: ast.AST, name: str) -> Iterator[None]:
        """Look for a value that may depend on others which are looked for in the same way."""
        key = (id(node), name)
        if key in self._asked:
            raise NotSimpleError(f"{name} depends on itself")
        self._asked.add(key)
        try:
            with self.deeper():
                yield
        finally:
            self._asked.discard(key)


class _Reader(imports.Package):
    """A package; its functions that read files read those of the project."""

    def __init__(self, name: str, project: Project, path: Path) -> None:
        super().__init__(name)
        self._project, self._path = project, path

    def attribute(self, name: str) -> Any:
        """A thing of the package."""
        full = f"{self.name}.{name}"
        if full in FILE_FUNCTIONS:
            return FILE_FUNCTIONS[full](self._project, self._path)
        found = super().attribute(name)
        return _Reader(found.name, self._project, self._path) if type(found) is imports.Package else found


def _vars(value: Any) -> dict[str, Any]:
    if isinstance(value, Record):
        return fields_of(value)
    return dict(value) if isinstance(value, Settings) else dict(vars(value))
