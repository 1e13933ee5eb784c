"""The arguments of a call in the project, as far as they can be told without running its file."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from skiplint.targets.arguments.call_sites import CallSite
from skiplint.targets.arguments.parameters import parameters_of, required
from skiplint.targets.evaluation.calls import is_harmless
from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.evaluation.functions import Class
from skiplint.targets.evaluation.imports import Package
from skiplint.targets.evaluation.passed import ProjectReading
from skiplint.targets.evaluation.reading import Instance, ProjectModule
from skiplint.targets.evaluation.slices import Body
from skiplint.targets.models.project import Project
from skiplint.targets.records import Arguments, Constructor


@dataclass(frozen=True)
class ResolvedCall:
    """What a call passes."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    missing: tuple[str, ...] = ()
    """Parameters without a default whose values are unknown."""
    left_out: int = 0
    """Arguments of the call that are unknown and have a default, or that the constructor does not take."""

    several: bool = False
    """Other values are there to be picked."""

    @property
    def arguments(self) -> Arguments:
        """As they are passed."""
        return self.args, self.kwargs


class CallReader:
    """Evaluates calls of one constructor."""

    def __init__(self, constructor: Constructor, project: Project) -> None:
        """Set up the evaluation of calls in ``project``."""
        self._constructor, self._project = constructor, project
        self._bodies: dict[int, Body] = {}

    def callee(self, site: CallSite) -> Callable[..., Any]:
        """What is called: the constructor, or a class method of it."""
        value = self._constructor.value
        return getattr(value, site.method) if site.method else value

    def resolved(self, site: CallSite, pick: int = 0) -> ResolvedCall:
        """The arguments of the call, evaluated anew.

        Args:
            site: the call.
            pick: which value is taken where a loop or a parametrised test has several.

        Raises:
            NotSimpleError: it is no call of the constructor as it is.
        """
        reading = ProjectReading(
            self._project,
            {self._constructor.path: self._constructor.namespace},
            pick=pick,
            bodies=self._bodies,
        )
        frame = reading.at(site.file, site.call)
        callee = self.callee(site)
        if site.method and not is_harmless(callee):
            raise NotSimpleError(f"{site.method} has effects")
        parameters = parameters_of(callee) or []
        given = _Given(parameters)
        for node in site.call.args[site.skip :]:
            if isinstance(node, ast.Starred):
                for item in _sequence(frame, node.value):
                    given.positional(item)
            else:
                given.positional(partial(frame.evaluator.evaluate, node))
        for keyword in site.call.keywords:
            if keyword.arg is None:
                for name, value in _mapping(frame, keyword.value).items():
                    given.named(name, partial(_same, value))
            else:
                given.named(keyword.arg, partial(frame.evaluator.keyword, keyword))
        return replace(given.resolved(), several=reading.has_picked)


def _sequence(frame: Any, node: ast.expr) -> Iterator[Callable[[], Any]]:
    try:
        items = list(frame.evaluator.evaluate(node))
    except (NotSimpleError, TypeError):
        return
    yield from (partial(_same, item) for item in items)


def _same(value: Any) -> Any:
    return value


def _mapping(frame: Any, node: ast.expr) -> dict[str, Any]:
    try:
        return dict(frame.evaluator.evaluate(node))
    except (NotSimpleError, TypeError, ValueError):
        return {}


class _Given:
    """Arguments as they are gathered, by parameter."""

    def __init__(self, parameters: list[inspect.Parameter]) -> None:
        self._parameters = parameters
        self._by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self._variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self._takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self._values: dict[str, Any] = {}
        self._rest: list[Any] = []
        self._count = 0
        self._left_out = 0

    def positional(self, find: Callable[[], Any]) -> None:
        number, self._count = self._count, self._count + 1
        if number < len(self._by_place):
            self.named(self._by_place[number].name, find)
        elif self._variadic:
            self._rest.append(_usable(find()))
        else:
            raise NotSimpleError("more arguments than the constructor takes")

    def named(self, name: str, find: Callable[[], Any]) -> None:
        known = any(p.name == name for p in self._parameters)
        if not known and not self._takes_any:
            self._left_out += 1
            return
        try:
            self._values[name] = _usable(find())
        except NotSimpleError:
            self._left_out += 1

    def resolved(self) -> ResolvedCall:
        values = dict(self._values)
        missing = tuple(p.name for p in required(self._parameters) if p.name not in values)
        args: list[Any] = []
        for parameter in self._by_place:
            by_place = parameter.kind is parameter.POSITIONAL_ONLY or self._rest
            if by_place and parameter.name in values:
                args.append(values.pop(parameter.name))
            elif by_place and parameter.default is not parameter.empty:
                args.append(parameter.default)
        return ResolvedCall((*args, *self._rest), values, missing, self._left_out)


def _usable(value: Any) -> Any:
    """``value`` as the user's constructor can use it.

    Raises:
        NotSimpleError: it only stands for something that is not there.
    """
    if isinstance(value, Class | Instance | ProjectModule):
        raise NotSimpleError("a class or a module that is not imported")
    if isinstance(value, Package):
        module = value.module()
        if not isinstance(module, types.ModuleType):
            raise NotSimpleError(f"{value.name} is not imported")
        return module
    return value
