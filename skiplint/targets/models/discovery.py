"""The models of one file: its objects, classes and factories, each reported once."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import ModuleType
from typing import Any

from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.models import modelhood
from skiplint.targets.models.demo import DemoReader
from skiplint.targets.models.importing import Workspace
from skiplint.targets.models.listing import Listing
from skiplint.targets.models.option_classes import option_classes
from skiplint.targets.models.syntax import FileSyntax
from skiplint.targets.records import (
    Arguments,
    BuiltWith,
    Constructor,
    DemoCall,
    ModelConfig,
    ModelTarget,
    SkippedTarget,
    TargetError,
)
from skiplint.targets.snippets import factory_hint, missing_arguments, on_one_line, snippet, takes_objects

_DEFAULTS = BuiltWith()


@dataclass(frozen=True)
class Candidate:
    """A definition of the file that may be a model."""

    name: str
    value: Any
    line: int
    missing: tuple[inspect.Parameter, ...] = ()
    """Arguments that a call of it needs; empty for an object."""
    demo: DemoCall | None = None
    """The file's own call that gives the missing arguments."""
    options: Mapping[str, type[Any]] | None = None
    """Configuration classes of the file that can stand for the missing arguments."""


@dataclass(frozen=True)
class ModelFile:
    """An imported file to search for models."""

    syntax: FileSyntax
    display: str
    """The path as the user typed it."""
    module: ModuleType
    workspace: Workspace = field(repr=False)
    listing: Listing = field(repr=False)
    """What of it are models."""

    def discover(self) -> list[ModelTarget]:
        """The models of the file, in the order of their definitions."""
        with self.workspace.active():
            chosen = self._choose()
        return [self._record(candidate) for candidate in sorted(chosen, key=lambda c: c.line)]

    def named(self, attribute: str, args: Sequence[Any], kwargs: dict[str, Any]) -> ModelTarget:
        """The model called ``attribute``, built with ``args`` and ``kwargs``.

        Args:
            attribute: a name in the file, which may be dotted.
            args: positional arguments for the class or factory.
            kwargs: keyword arguments for it.

        Raises:
            TargetError: the file has nothing of that name, or it is no model.
        """
        value = attribute_of(self.module, attribute, self.display)
        line = self._line(attribute)
        if args or kwargs:
            given = BuiltWith("configuration", "the command line", lambda: (tuple(args), dict(kwargs)))
            return replace(self._target(attribute, line, value, given), named=True)
        with self.workspace.active():
            candidate = self._candidate(attribute, value, line)
            if candidate is None:
                raise no_model(f"{self.display}:{attribute}", value)
        return replace(self._record(candidate), named=True)

    def configured(self, entry: ModelConfig, attribute: str) -> ModelTarget:
        """The model ``attribute``, built as the configuration ``entry`` says.

        Raises:
            TargetError: the file has nothing of that name.
        """
        if entry.args or entry.kwargs:
            value = attribute_of(self.module, attribute, self.display)
            given = BuiltWith("configuration", "", lambda: (tuple(entry.args), dict(entry.kwargs)))
            made = self._target(attribute, self._line(attribute), value, given)
        else:
            made = self.named(attribute, (), {})
        return replace(with_config(made, entry), named=True)

    # -- choosing ---------------------------------------------------------------------------------

    def _choose(self) -> list[Candidate]:
        objects, factories = self._objects(), self._factories()
        named = self._named_in({candidate.name for candidate in factories})
        objects = [candidate for candidate in objects if candidate.name not in named]
        covered = self.listing.covered() | {type(each.value).__name__ for each in objects}
        return [*objects, *factories, *(each for each in self._classes() if each.name not in covered)]

    def _named_in(self, functions: set[str]) -> frozenset[str]:
        """What the bodies of ``functions`` read, such as a table of models that a factory looks up."""
        mentions = self.syntax.mentions
        return frozenset(name for function in functions for name in mentions[function])

    def _objects(self) -> list[Candidate]:
        seen: set[int] = set()
        found = []
        for name in self.listing.objects:
            value = getattr(self.module, name, None)
            if modelhood.is_model_object(value) and id(value) not in seen:
                seen.add(id(value))
                found.append(Candidate(name, value, self.syntax.assignments[name][0]))
        return found

    def _classes(self) -> list[Candidate]:
        values = {name: getattr(self.module, name, None) for name in self.listing.classes}
        return [
            self._callable(name, value, self.syntax.classes[name].lineno)
            for name, value in values.items()
            if modelhood.is_model_class(value)
        ]

    def _factories(self) -> list[Candidate]:
        values = {name: getattr(self.module, name, None) for name in self.listing.factories}
        return [
            self._callable(name, value, self.syntax.functions[name].lineno)
            for name, value in values.items()
            if callable(value) and modelhood.returns_model(value) is not False
        ]

    def _candidate(self, name: str, value: Any, line: int | None) -> Candidate | None:
        from torch import nn

        if isinstance(value, nn.Module):
            return Candidate(name, value, line or 0)
        if not callable(value) or (inspect.isclass(value) and not issubclass(value, nn.Module)):
            return None
        if not inspect.isclass(value) and modelhood.returns_model(value) is False:
            return None
        return self._callable(name, value, line or 0)

    def _callable(self, name: str, value: Any, line: int) -> Candidate:
        missing = missing_arguments(value) or []
        demo = next((call for call in self._demo_of(name) if _evaluates(call)), None) if missing else None
        options = option_classes(missing, self.module) if missing and demo is None else None
        return Candidate(name, value, line, tuple(missing), demo, options)

    # -- records ----------------------------------------------------------------------------------

    def _record(self, candidate: Candidate) -> ModelTarget:
        from torch import nn

        name, line, value = candidate.name, candidate.line, candidate.value
        if isinstance(value, nn.Module):
            return self._target(name, line, lambda: value)
        if not candidate.missing:
            given = _DEFAULTS
        elif candidate.demo is not None:
            given = BuiltWith("file", candidate.demo.label, _arguments_of(candidate.demo))
        elif candidate.options is not None:
            given = BuiltWith("file", "", _arguments_from(candidate.options))
        else:
            return replace(self._target(name, line, value), unbuilt=self._unbuilt(candidate))
        return self._target(name, line, value, given)

    def _unbuilt(self, candidate: Candidate) -> SkippedTarget:
        """What to report of a model for whose arguments nothing is found."""
        target = f"{self.display}:{candidate.name}"
        missing = list(candidate.missing)
        names = ", ".join(parameter.name for parameter in missing)
        if takes_objects(missing):
            lines, advice = "", factory_hint(candidate.name, missing)
        else:
            lines = snippet(target, missing)
            advice = f"add {on_one_line(lines)} to pyproject.toml"
        reason = f"{candidate.name} needs {names}; {advice}"
        return SkippedTarget(target, candidate.name, self.display, candidate.line or None, reason, lines)

    def _target(
        self, name: str, line: int | None, value: Callable[..., Any], given: BuiltWith = _DEFAULTS
    ) -> ModelTarget:
        constructor = Constructor(name, value, self.syntax.path.resolve(), vars(self.module))
        return ModelTarget(
            target=f"{self.display}:{name}",
            name=name,
            path=self.display,
            line=line or None,
            build=constructor.way(given).make,
            demos=self.demos(name),
            environment=self._environment,
            built_with=given,
            constructor=constructor,
        )

    def _environment(self) -> AbstractContextManager[None]:
        return self.workspace.active()

    def _line(self, attribute: str) -> int | None:
        name = attribute.split(".", maxsplit=1)[0]
        node = self.syntax.classes.get(name) or self.syntax.functions.get(name)
        return node.lineno if node else self.syntax.assignments.get(name, (None,))[0]

    @cached_property
    def _demos(self) -> DemoReader:
        return DemoReader(self.syntax, self.display, vars(self.module), self.listing.project)

    def _demo_of(self, name: str) -> list[DemoCall]:
        return self._demos.constructor_calls(name)

    def demos(self, name: str) -> tuple[DemoCall, ...]:
        """The file's calls of models, those of ``name`` first: relatives take the same inputs as a rule."""
        calls = self._all_model_demos
        return tuple(sorted(calls, key=lambda call: call.of != name))

    @cached_property
    def _all_model_demos(self) -> list[DemoCall]:
        return self._demos.model_calls(set(self.syntax.references))


def attribute_of(module: ModuleType, attribute: str, where: str) -> Any:
    """The value of ``attribute``, which may be dotted, in ``module``; ``where`` names the module in errors.

    Raises:
        TargetError: there is none; the message offers the nearest name.
    """
    value: Any = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            names = [name for name in dir(value) if not name.startswith("__")]
            near = difflib.get_close_matches(part, names, n=1) or _ignoring_case(part, names)
            hint = f'did you mean "{near[0]}"?' if near else "check the spelling"
            raise TargetError(f'{where} has no "{part}"; {hint}')
        value = getattr(value, part)
    return value


def no_model(what: str, value: object) -> TargetError:
    """The error for ``what``, which names ``value``, if that is no model."""
    kind = f"the class {value.__name__}" if inspect.isclass(value) else f"a {type(value).__name__}"
    return TargetError(
        f"{what} is {kind}, not a model; name a torch.nn.Module, a class of one, or a function that returns "
        "one"
    )


def with_config(target: ModelTarget, entry: ModelConfig) -> ModelTarget:
    """``target`` with its configuration entry."""
    return replace(target, config=entry)


def _ignoring_case(part: str, names: list[str]) -> list[str]:
    return [name for name in names if name.lower() == part.lower()]


def _evaluates(call: DemoCall) -> bool:
    """Whether the arguments of a call can be had, tried without making any weights."""
    import torch

    from skiplint.sources.randomness import seeded
    from skiplint.targets.building.initialisers import SkipInitialisers

    try:
        with seeded(), SkipInitialisers(), torch.device("meta"):
            call.evaluate()
    except NotSimpleError:
        return False
    return True


def _arguments_of(call: DemoCall) -> Callable[[], Arguments]:
    return lambda: call.evaluate()[0]


def _arguments_from(options: Mapping[str, type[Any]]) -> Callable[[], Arguments]:
    return lambda: ((), {name: make() for name, make in options.items()})
