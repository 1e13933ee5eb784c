"""The inputs that a project's code feeds to a model where it constructs it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from skiplint.targets.arguments.call_sites import CallSite, call_sites
from skiplint.targets.evaluation.expressions import Evaluator
from skiplint.targets.evaluation.passed import ProjectReading
from skiplint.targets.evaluation.slices import Body
from skiplint.targets.models.demo import (
    CHAINED,
    INPUT_CALLS,
    SHAPE_CALLS,
    all_arguments,
    from_inputs,
    from_shapes,
    wraps,
)
from skiplint.targets.models.project import Project
from skiplint.targets.models.syntax import FileSyntax
from skiplint.targets.records import Arguments, Constructor, DemoCall

_DEEPEST = 5
"""How often a model is followed to another name, through a return or into a function."""
_MOST_SITES = 40
_MOST_CALLS = 8
"""Calls of one constructed model."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Read = Callable[[Evaluator], list[Arguments]]


def fed_anywhere(constructor: Constructor, project: Project) -> Iterator[DemoCall]:
    """The calls of the models that the project makes with ``constructor``, the nearest first."""
    bodies: dict[int, Body] = {}
    for site in call_sites(constructor, project)[:_MOST_SITES]:
        yield from fed_beside(site, constructor, project, bodies)


def fed_beside(
    site: CallSite, constructor: Constructor, project: Project, bodies: dict[int, Body] | None = None
) -> list[DemoCall]:
    """The calls of the model that is constructed at ``site``, in the order of their lines.

    Args:
        site: where it is constructed.
        constructor: what constructs it.
        project: whose code tells what the names in a call stand for.
        bodies: what earlier evaluations have read of the same syntax trees.
    """
    known = {} if bodies is None else bodies
    if site.skip:
        return []
    found = {id(call): (call, read) for call, read in _Follower(site.file).calls_of(site.call, 0)}
    path = site.file.path
    root = project.files.root
    shown = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()

    def evaluate(call: ast.Call, read: Read) -> list[Arguments]:
        namespaces = {constructor.path: constructor.namespace}
        reading = ProjectReading(project, namespaces, runs_modules=True, bodies=known)
        return read(reading.at(site.file, call).evaluator)

    return [
        DemoCall(f"{shown}:{call.lineno}", "", call.lineno, partial(evaluate, call, read))
        for call, read in sorted(found.values(), key=lambda each: each[0].lineno)[:_MOST_CALLS]
    ]


@dataclass(frozen=True)
class _Binding:
    """A name, or an attribute of ``self``, that stands for a model in the statements of ``scope``."""

    name: str
    scope: ast.AST
    after: int = 0
    """The line from which on it does."""
    statement: ast.AST | None = None
    """The assignment."""
    of_self: bool = False


class _Follower:
    """Follows models through the code of one file, from construction to calls."""

    def __init__(self, file: FileSyntax) -> None:
        self._file = file
        self._above = {child: node for node in ast.walk(file.tree) for child in ast.iter_child_nodes(node)}

    def calls_of(self, made: ast.expr, depth: int) -> Iterator[tuple[ast.Call, Read]]:
        """The calls of the model that the expression ``made`` gives, each with what reads its inputs."""
        if depth > _DEEPEST:
            return
        model = self._whole(made)
        above = self._above.get(model)
        if isinstance(above, ast.Call) and above.func is model:
            yield above, all_arguments(above)
        elif isinstance(above, ast.Attribute) and above.attr == "forward":
            call = self._above.get(above)
            if isinstance(call, ast.Call) and call.func is above:
                yield call, all_arguments(call)
        elif isinstance(above, ast.Call):
            yield from self._passed(model, above, depth)
        elif isinstance(above, ast.keyword):
            call = self._above.get(above)
            if isinstance(call, ast.Call):
                yield from self._passed(model, call, depth)
        elif isinstance(above, ast.Return):
            yield from self._returned(above, depth)
        else:
            for binding in self._bound(above):
                yield from self._uses(binding, depth)

    def _whole(self, made: ast.expr) -> ast.expr:
        """``made`` with what is done to the model before it is used: ``Net().to(device).eval()``."""
        while True:
            above = self._above.get(made)
            further = self._above.get(above) if above is not None else None
            chained = isinstance(above, ast.Attribute) and above.attr in CHAINED
            if chained and isinstance(further, ast.Call) and further.func is above:
                made = further
            elif (
                isinstance(above, ast.Call)
                and above.args[:1] == [made]
                and isinstance(above.func, ast.Attribute | ast.Name)
                and wraps(above.func)
            ):
                made = above
            else:
                return made

    def _bound(self, statement: ast.AST | None) -> Iterator[_Binding]:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign | ast.NamedExpr):
            targets = [statement.target]
        else:
            return
        for target in targets:
            if isinstance(target, ast.Name):
                yield _Binding(target.id, self._scope(statement), statement.end_lineno or 0, statement)
            elif isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self":
                owner = self._around(statement, (ast.ClassDef,))
                if owner is not None:
                    yield _Binding(target.attr, owner, of_self=True)

    def _scope(self, node: ast.AST) -> ast.AST:
        return self._around(node, _FUNCTIONS) or self._file.tree

    def _around(self, node: ast.AST, kinds: tuple[type[ast.AST], ...]) -> ast.AST | None:
        above = self._above.get(node)
        while above is not None and not isinstance(above, kinds):
            above = self._above.get(above)
        return above

    def _uses(self, binding: _Binding, depth: int) -> Iterator[tuple[ast.Call, Read]]:
        for node in ast.walk(binding.scope):
            if self._means(node, binding) and not self._is_bound_again(node, binding):
                yield from self.calls_of(node, depth + 1)  # type: ignore[arg-type]

    def _means(self, node: ast.AST, binding: _Binding) -> bool:
        if not isinstance(getattr(node, "ctx", None), ast.Load):
            return False
        if binding.of_self:
            is_own = isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self"
            return is_own and node.attr == binding.name  # type: ignore[attr-defined]
        if not isinstance(node, ast.Name) or node.id != binding.name or node.lineno <= binding.after:
            return False
        function = self._around(node, _FUNCTIONS)
        parameters = [] if function is None or function is binding.scope else _parameters(function)
        return binding.name not in parameters

    def _is_bound_again(self, use: ast.AST, binding: _Binding) -> bool:
        """Whether something else has the name where it is used."""
        if binding.statement is None:
            return False
        if self._is_other_branch(use, binding.statement):
            return True
        for node in ast.walk(binding.scope):
            if not isinstance(node, ast.Assign) or not binding.after < node.lineno < use.lineno:  # type: ignore[attr-defined]
                continue
            parts = [each for side in (*node.targets, node.value) for each in ast.walk(side)]
            named = [each.ctx for each in parts if isinstance(each, ast.Name) and each.id == binding.name]
            replaced = any(isinstance(each, ast.Store) for each in named)
            of_itself = any(isinstance(each, ast.Load) for each in named)
            same = self._scope(node) is self._scope(use)
            if replaced and not of_itself and same and not self._is_other_branch(node, binding.statement):
                return True
        return False

    def _is_other_branch(self, node: ast.AST, statement: ast.AST) -> bool:
        """Whether ``node`` and ``statement`` are in two branches of which only one is taken."""
        inside, above = node, self._above.get(node)
        while above is not None:
            if isinstance(above, ast.If):
                mine = above.orelse if inside in above.orelse else above.body
                others = above.body if mine is above.orelse else above.orelse
                if any(each is statement for other in others for each in ast.walk(other)):
                    return True
            inside, above = above, self._above.get(above)
        return False

    def _passed(self, model: ast.expr, call: ast.Call, depth: int) -> Iterator[tuple[ast.Call, Read]]:
        """The calls in a function of the file that the model is passed to, or its inputs beside it."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if call.args[:1] == [model] and name in SHAPE_CALLS:
            yield call, partial(from_shapes, call=call)
        elif call.args[:1] == [model] and name in INPUT_CALLS:
            yield call, partial(from_inputs, call=call)
        function = self._file.functions.get(name)
        if function is None or not isinstance(call.func, ast.Name):
            return
        names = [each.arg for each in [*function.args.posonlyargs, *function.args.args]]
        taken = [keyword.arg for keyword in call.keywords if keyword.value is model]
        if model in call.args and call.args.index(model) < len(names):
            taken.append(names[call.args.index(model)])
        for parameter in taken:
            if parameter is not None:
                yield from self._uses(_Binding(parameter, function), depth)

    def _returned(self, statement: ast.Return, depth: int) -> Iterator[tuple[ast.Call, Read]]:
        """The calls of what a function gives, where it is called and where it is a fixture of tests."""
        function = self._around(statement, _FUNCTIONS)
        if function is None or self._around(function, (ast.ClassDef,)) is not None:
            return
        for node in ast.walk(self._file.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == function.name:  # type: ignore[attr-defined]
                yield from self.calls_of(node, depth + 1)
        if any("fixture" in ast.unparse(mark) for mark in function.decorator_list):  # type: ignore[attr-defined]
            for node in ast.walk(self._file.tree):
                if isinstance(node, _FUNCTIONS) and function.name in _parameters(node):  # type: ignore[attr-defined]
                    yield from self._uses(_Binding(function.name, node), depth)  # type: ignore[attr-defined]


def _parameters(function: ast.AST) -> list[str]:
    arguments = function.args  # type: ignore[attr-defined]
    return [each.arg for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
