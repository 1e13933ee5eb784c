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

from skiplint.targets.models import modelhood
from skiplint.targets.models.demo import DemoReader
from skiplint.targets.models.evaluation import NotSimpleError
from skiplint.targets.models.importing import Workspace
from skiplint.targets.models.option_classes import option_classes
from skiplint.targets.models.syntax import FileSyntax, has_factory_name, returned_names
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

    @property
    def buildable(self) -> bool:
        """Whether it can be built as it stands."""
        return not self.missing or self.demo is not None or self.options is not None


@dataclass(frozen=True)
class ModelFile:
    """An imported file to search for models."""

    syntax: FileSyntax
    display: str
    """The path as the user typed it."""
    module: ModuleType
    workspace: Workspace = field(repr=False)

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
            return self._target(attribute, line, value, given)
        with self.workspace.active():
            candidate = self._candidate(attribute, value, line)
            if candidate is None:
                raise no_model(f"{self.display}:{attribute}", value)
        return self._record(candidate)

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
        return with_config(made, entry)

    # -- choosing ---------------------------------------------------------------------------------

    def _choose(self) -> list[Candidate]:
        objects, classes, factories = self._objects(), self._classes(), self._factories()
        strong = [*objects, *[f for f in factories if f.buildable], *[c for c in classes if c.buildable]]
        strong += self._plain_factories(self._uncovered(classes, strong, classes))
        roots = self._roots(strong, classes)
        annotated = self._uncovered([f for f in factories if f not in strong], strong, classes)
        served = {root.name for root in roots}
        annotated = [f for f in annotated if not self._covers(f.name) & served]
        return [*roots, *annotated, *self._uncovered(classes, [*strong, *annotated], classes)]

    def _uncovered(
        self, candidates: list[Candidate], strong: list[Candidate], classes: list[Candidate]
    ) -> list[Candidate]:
        """Those that cannot be built, that nothing buildable makes and that are no part of another class."""
        covered = {name for candidate in strong for name in self._covers(candidate.name)}
        return [
            candidate
            for candidate in candidates
            if not candidate.buildable
            and candidate.name not in covered
            and not self._is_part(candidate, classes)
        ]

    def _roots(self, strong: list[Candidate], classes: list[Candidate]) -> list[Candidate]:
        """Candidates that no other one uses; of those that use each other, all."""
        users = {candidate.name for candidate in [*strong, *classes]}
        return [c for c in strong if not any(self._uses(user, c.name) for user in users - {c.name})]

    def _is_part(self, candidate: Candidate, classes: list[Candidate]) -> bool:
        return any(
            self._uses(other.name, candidate.name) for other in classes if other.name != candidate.name
        )

    def _uses(self, user: str, used: str) -> bool:
        """Whether ``user`` uses ``used`` and is not itself used by it."""
        return used in self._covers(user) and user not in self._covers(used)

    def _covers(self, name: str) -> set[str]:
        if name not in self._reach:
            demo = self._passed_in_demo(name)
            self._reach[name] = self.syntax.reachable(name) | demo
        return self._reach[name]

    @cached_property
    def _reach(self) -> dict[str, set[str]]:
        return {}

    def _passed_in_demo(self, name: str) -> set[str]:
        """Definitions that the demo call of a class hands over to it, such as ResNet(BasicBlock, [2, 2])."""
        return {
            used for call in self._demo_of(name) for used in call.passes if used in self.syntax.references
        }

    # -- candidates -------------------------------------------------------------------------------

    def _objects(self) -> list[Candidate]:
        seen: set[int] = set()
        found = []
        for name, (line, _) in self.syntax.assignments.items():
            value = getattr(self.module, name, None)
            if modelhood.is_model_object(value) and id(value) not in seen:
                seen.add(id(value))
                found.append(Candidate(name, value, line))
        return found

    def _classes(self) -> list[Candidate]:
        found = []
        for name, node in self.syntax.classes.items():
            value = getattr(self.module, name, None)
            if modelhood.is_model_class(value, node):
                found.append(self._callable(name, value, node.lineno))
        return found

    def _factories(self) -> list[Candidate]:
        found = []
        for name, node in self.syntax.functions.items():
            value = getattr(self.module, name, None)
            if name.startswith("_") or not callable(value):
                continue
            annotated = modelhood.returns_model(value)
            if annotated is False:
                continue
            if annotated or (has_factory_name(name) and self._makes_model(name, set())):
                candidate = self._callable(name, value, node.lineno)
                if candidate.buildable or annotated:
                    found.append(candidate)
        return found

    def _plain_factories(self, classes: list[Candidate]) -> list[Candidate]:
        """Unannotated functions such as ``def resnet18(): return ResNet(Block, [2, 2, 2, 2])``.

        They are asked only where a class cannot be built without them.
        """
        wanted = {candidate.name for candidate in classes}
        found = []
        for name, node in self.syntax.functions.items():
            value = getattr(self.module, name, None)
            if name.startswith("_") or not callable(value) or missing_arguments(value) != []:
                continue
            if self._returned_classes(name, set()) & wanted:
                found.append(Candidate(name, value, node.lineno))
        return found

    def _returned_classes(self, name: str, seen: set[str]) -> set[str]:
        node = self.syntax.functions.get(name)
        if node is None or name in seen:
            return set()
        seen.add(name)
        found: set[str] = set()
        for called in returned_names(node):
            found |= {called} if called in self.syntax.classes else self._returned_classes(called, seen)
        return found

    def _makes_model(self, name: str, seen: set[str]) -> bool:
        """Whether what the function returns is made by a model class or by another factory."""
        from torch import nn

        node = self.syntax.functions.get(name)
        if node is None or name in seen:
            return False
        seen.add(name)
        for called in returned_names(node):
            value: Any = self.module
            for part in called.split("."):
                value = getattr(value, part, None)
            if inspect.isclass(value):
                if issubclass(value, nn.Module) and not issubclass(value, nn.modules.loss._Loss):
                    return True
            elif called in self.syntax.functions:
                if self._makes_model(called, seen):
                    return True
            elif callable(value) and (modelhood.returns_model(value) or modelhood.names_a_model(called)):
                return True
        return False

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
        return DemoReader(self.syntax, self.display, vars(self.module))

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
