"""Import the user's modules without the effects of their statements and without what is not installed."""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from skiplint.sources.errors import at, describe
from skiplint.sources.owners import owner
from skiplint.sources.paths import shown
from skiplint.targets.environment.effects import IMPORTS, bound_names
from skiplint.targets.environment.missing import innermost_owner, why_missing
from skiplint.targets.environment.reduction import Part, Reduction
from skiplint.targets.environment.stand_ins import StandIn, importing

_WAY_OUT = "make it an argument of the model"
"""Where a model uses what a script works out."""


class UserFinder(MetaPathFinder):
    """Finds what the import system's own finder finds, and loads the user's files as :class:`UserLoader`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of the user's; None for all others."""
        return loaded_as_users(PathFinder.find_spec(fullname, path, target))


def loaded_as_users(spec: ModuleSpec | None) -> ModuleSpec | None:
    """``spec`` with a :class:`UserLoader`; None where it is for no source file of the user's."""
    if spec is None or type(spec.loader) is not SourceFileLoader or spec.origin is None:
        return None
    if owner(spec.origin) != "user":
        return None
    spec.loader = UserLoader(spec.name, spec.origin)
    return spec


@contextmanager
def user_modules_found() -> Iterator[None]:
    """Inside, the user's modules are imported by :class:`UserLoader`."""
    finder = UserFinder()
    places = [number for number, each in enumerate(sys.meta_path) if each is PathFinder]
    sys.meta_path.insert(places[0] if places else len(sys.meta_path), finder)
    try:
        yield
    finally:
        if finder in sys.meta_path:  # the user's code may have changed it
            sys.meta_path.remove(finder)


class UserLoader(SourceFileLoader):
    """Runs a module of the user's part by part; names without a value become stand-ins."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module."""
        try:
            tree = ast.parse(self.get_data(self.path), filename=self.path)
        except (SyntaxError, ValueError, RecursionError):
            super().exec_module(module)  # raises what a plain import would
            return
        _Run(Reduction(tree), module, self.path).run()


class _Run:
    """One execution of a module."""

    _guards = 0
    """How many ``try`` statements around the current import would catch that something is missing."""

    def __init__(self, reduction: Reduction, module: ModuleType, path: str) -> None:
        self._reduction = reduction
        self._names = vars(module)
        self._path = path
        self._missing = False

    def run(self) -> None:
        self._names["__doc__"] = ast.get_docstring(self._reduction.tree, clean=False)
        with importing():
            self._block(self._reduction.tree.body)

    def _block(self, body: list[ast.stmt]) -> None:
        for part in self._reduction.parts(body):
            getattr(self, f"_{part.kind.replace(' ', '_')}")(part)

    def _run(self, part: Part) -> None:
        for nodes in _separated(part.nodes):
            if len(nodes) == 1 and isinstance(nodes[0], ast.Try) and _catches_imports(nodes[0]):
                self._guarded(nodes)
            elif self._missing and not any(isinstance(node, ast.ClassDef) for node in nodes):
                for node in nodes:
                    self._attempt((node,))
            else:
                self._execute(nodes)

    def _guarded(self, nodes: tuple[ast.stmt, ...]) -> None:
        """Run a ``try`` that catches imports; where no import in it works, stand in for what is missing."""
        _Run._guards += 1
        try:
            self._execute(nodes)
            return
        except Exception as error:
            if _Run._guards > 1 or not _is_absence(error):
                raise
        finally:
            _Run._guards -= 1
        try:
            self._execute(nodes)
        except Exception as error:
            if not _is_absence(error):
                raise
            self._missing = True
            self._leave(nodes, why_missing(error))

    def _try(self, part: Part) -> None:
        self._attempt(part.nodes)

    def _attempt(self, nodes: Sequence[ast.stmt]) -> None:
        try:
            self._execute(nodes)
        except (Exception, SystemExit) as error:
            self._leave(
                nodes, f"{self._place(nodes)} fails{_not_here(at(error), self._path)}: {describe(error)}"
            )

    def _leave_out(self, part: Part) -> None:
        why = f"{self._place(part.nodes)} does the work of a script, which is not run"
        self._leave(part.nodes, f"{why}; {_WAY_OUT}")

    def _leave(self, nodes: Sequence[ast.stmt], why: str) -> None:
        for name in bound_names(nodes):
            if name not in self._names:
                self._names[name] = StandIn(name, why)

    def _place(self, nodes: Sequence[ast.stmt]) -> str:
        return f"line {nodes[0].lineno} of {shown(self._path)}"

    def _branch(self, part: Part) -> None:
        (node,) = part.nodes
        assert isinstance(node, ast.If)
        test = compile(ast.Expression(node.test), self._path, "eval", dont_inherit=True)
        try:
            chosen = bool(eval(test, self._names))  # noqa: S307 - it is the user's own statement
        except (Exception, SystemExit):
            if not self._reduction.is_program:
                raise
            why = f"only a run of the script tells the condition in {self._place(part.nodes)}"
            self._leave([*node.body, *node.orelse], f"{why}; {_WAY_OUT}")
            return
        self._block(node.body if chosen else node.orelse)

    def _import(self, part: Part) -> None:
        (node,) = part.nodes
        assert isinstance(node, IMPORTS)
        try:
            self._execute(part.nodes)
        except (Exception, SystemExit) as error:
            if _Run._guards or not _is_absence(error):
                raise
            self._missing = True
            for alias in node.names:
                self._import_one(node, alias)

    def _import_one(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> None:
        single: Any = type(node)(**{**vars(node), "names": [alias]})
        try:
            self._execute((single,))
        except (Exception, SystemExit) as error:
            if not _is_absence(error):
                raise
            why = why_missing(error)
            top = alias.name.partition(".")[0]
            bound = alias.asname or top
            if isinstance(node, ast.Import) and alias.asname is None and _is_there(bound):
                self._names[bound] = sys.modules[bound]  # only a part of it is missing
            elif alias.name == "*":
                for name in self._unbound:
                    self._names.setdefault(name, StandIn(f"{_source(node)}{name}", why))
            else:
                name = alias.name if isinstance(node, ast.ImportFrom) or alias.asname else top
                self._names[bound] = StandIn(_source(node) + name, why)

    @cached_property
    def _unbound(self) -> set[str]:
        """Names that the module reads and gives no value to: those of ``from package import *``."""
        read = {node.id for node in ast.walk(self._reduction.tree) if isinstance(node, ast.Name)}
        return read - set(bound_names([self._reduction.tree])) - set(dir(builtins))

    def _execute(self, nodes: Sequence[ast.stmt]) -> None:
        body = [*self._reduction.future, *(node for node in nodes if node not in self._reduction.future)]
        module = ast.Module(body=body, type_ignores=[])
        exec(compile(module, self._path, "exec", dont_inherit=True), self._names)  # noqa: S102


def _source(node: ast.Import | ast.ImportFrom) -> str:
    return f"{'.' * node.level}{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""


def _separated(nodes: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, ...]]:
    """The statements in groups that are compiled together: each ``try`` that catches imports for itself."""
    group: list[ast.stmt] = []
    for node in nodes:
        if isinstance(node, ast.Try) and _catches_imports(node):
            if group:
                yield tuple(group)
            group = []
            yield (node,)
        else:
            group.append(node)
    if group:
        yield tuple(group)


def _catches_imports(node: ast.Try) -> bool:
    return bool(node.handlers) and any(isinstance(inner, IMPORTS) for inner in ast.walk(node))


def _is_absence(error: BaseException) -> bool:
    """Whether an import failed because something is not there: also where a library fails, no matter how."""
    return isinstance(error, ImportError) or innermost_owner(error) in ("installed", "torch", "library")


def _is_there(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True


def _not_here(place: str, path: str) -> str:
    return "" if place.startswith(f" at {shown(path)}:") else place
