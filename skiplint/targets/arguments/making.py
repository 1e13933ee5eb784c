"""Make the arguments of one constructor, as a plan says."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType, MappingProxyType
from typing import Any

from skiplint.targets.arguments.definitions import Definition, Definitions, required
from skiplint.targets.arguments.ideas import Idea, is_settings_class
from skiplint.targets.arguments.meanings import Argument, Meanings
from skiplint.targets.arguments.modules import Simple
from skiplint.targets.arguments.roles import FIRST, Sizes
from skiplint.targets.arguments.settings_object import Key, Settings

_DEEPEST = 4
"""Modules in modules, settings in settings: so many."""


@dataclass(frozen=True)
class Plan:
    """Which of its ideas each argument gets."""

    sizes: Sizes = FIRST
    choices: Mapping[Key, int] = field(default_factory=lambda: MappingProxyType({}))
    """The number of the idea; 0 for those not in it."""
    values: Mapping[Key, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Values that errors asked for, instead of an idea."""
    lists: int | None = None
    """Entries of lists of which nothing says how many they have."""

    def choosing(self, key: Key, index: int) -> Plan:
        """This plan, with another idea for one argument."""
        values = {each: value for each, value in self.values.items() if each != key}
        return dataclasses.replace(self, choices={**self.choices, key: index}, values=values)

    def setting(self, key: Key, value: Any) -> Plan:
        """This plan, with another value for one argument."""
        return dataclasses.replace(self, values={**self.values, key: value})

    @property
    def identity(self) -> str:
        """Tells plans apart."""
        parts = (
            sorted(self.choices.items()),
            sorted((key, repr(value)) for key, value in self.values.items()),
        )
        return repr((self.sizes, self.lists, *parts))


@dataclass(frozen=True)
class Made:
    """An argument that was made."""

    ideas: tuple[Idea, ...]
    index: int
    value: Any


class CannotMakeError(Exception):
    """A part of the arguments cannot be made."""


class Maker:
    """Makes the arguments of one constructor once."""

    def __init__(self, value: Callable[..., Any], meanings: Meanings, plan: Plan) -> None:
        """Make those of ``value`` by ``plan``."""
        self._value = value
        self._meanings = meanings
        self._plan = plan
        self.made: dict[Key, Made] = {}
        """By their way from the constructor, in the order in which they were made."""

    @property
    def _definitions(self) -> Definitions:
        return self._meanings.definitions

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the call."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, parameter, value in self._parameters(self._value, ()):
            if parameter.kind is parameter.POSITIONAL_ONLY:
                args.append(value)
            else:
                kwargs[name] = value
        return tuple(args), kwargs

    def _parameters(self, value: Any, key: Key) -> list[tuple[str, inspect.Parameter, Any]]:
        """The arguments that a call of ``value`` needs, and those that the plan sets."""
        if len(key) > _DEEPEST:
            raise CannotMakeError(f"arguments of {getattr(value, '__name__', value)} go too deep")
        needed = required(value, self._definitions)
        names = {parameter.name for parameter in needed}
        # The plan may give what has a default, where an error asks for it.
        extra = {
            each[len(key)]
            for each in (*self._plan.values, *self._plan.choices)
            if len(each) == len(key) + 1 and each[: len(key)] == key
        }
        for name in sorted(extra - names):
            needed.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY))
        hints = _hints(value)
        made = []
        for parameter in needed:
            annotation = hints.get(parameter.name, parameter.annotation)
            argument = Argument(parameter.name, annotation, *self._place(value, parameter.name))
            made.append((parameter.name, parameter, self._argument((*key, parameter.name), argument)))
        return made

    def _place(self, value: Any, name: str) -> tuple[Definition | None, str]:
        """The function that has the parameter ``name``: that of ``value``, or of a base class."""
        definition = self._definitions.of(value)
        while definition is not None and inspect.isclass(value):
            written = definition.node.args
            if name in {each.arg for each in (*written.posonlyargs, *written.args, *written.kwonlyargs)}:
                break
            definition = self._definitions.constructor(value, definition.owner)
        return definition, name

    # -- values -----------------------------------------------------------------------------------

    def _argument(self, key: Key, argument: Argument) -> Any:
        ideas = self._meanings.ideas(argument)
        if key in self._plan.values:
            value = self._plan.values[key]
            self.made[key] = Made(ideas, -1, value)
            return value
        index = self._plan.choices.get(key, 0)
        while True:
            if index >= len(ideas):
                raise CannotMakeError(f"nothing fits {'.'.join(key)}")
            try:
                value = self._of(key, ideas[index])
            except CannotMakeError:
                index += 1
                continue
            self.made[key] = Made(ideas, index, value)
            return value

    def _of(self, key: Key, idea: Idea) -> Any:
        sizes = self._plan.sizes
        match idea.kind:
            case "constant":
                return sizes.of("device") if idea.role == "device" else idea.value
            case "whole" | "real":
                return sizes.of(idea.role)
            case "list":
                values = self._list(key, idea)
                return tuple(values) if idea.value is tuple else values
            case "settings":
                return Settings(key, self._setting, self._definitions)
            case "tensor":
                import torch

                return torch.ones(sizes.width)
            case "callable":
                return idea.value
            case "module":
                return self._module(key, idea.value)
            case "modules":
                return [self._module(key, idea.value) for _ in range(sizes.depth)]
            case "instance":
                return self._instance(key, idea.value)
            case "arguments":
                return {name: value for name, _, value in self._parameters(idea.value, key)}

    def _list(self, key: Key, idea: Idea) -> list[Any]:
        inner = idea.of or Idea("whole")
        sizes = self._plan.sizes
        pairs = inner.role in ("image", "patch", "kernel", "window", "stride", "padding")
        usual = 2 if pairs else (self._plan.lists or sizes.stages)
        count = idea.entries if idea.entries > 1 else usual
        if inner.kind == "whole" and inner.role in ("width", None):
            if not sizes.growing:
                return [sizes.width] * count
            return [max(sizes.width // 4, 1) * 2**number for number in range(count)]
        if inner.kind == "whole" and inner.role == "factor":
            return [min(2**number, 4) for number in range(count)]
        return [self._of((*key, str(number)), inner) for number in range(count)]

    def _module(self, key: Key, value: Any) -> Any:
        if isinstance(value, Simple):
            return value.make(self._plan.sizes)
        for cls in self._meanings.modules.concrete(value):
            made = dict(self.made)
            try:
                return self._built(key, cls)
            except CannotMakeError:
                self.made = made
        raise CannotMakeError(f"{value.__name__} cannot be built")

    def _instance(self, key: Key, cls: Any) -> Any:
        if _is_settings_of_transformers(cls):
            return cls()
        if is_settings_class(cls) or len(key) < _DEEPEST:
            return self._built(key, cls)
        raise CannotMakeError(cls.__name__)

    def _built(self, key: Key, cls: Any) -> Any:
        arguments = {name: value for name, _, value in self._parameters(cls, key)}
        try:
            return cls(**arguments)
        except Exception as error:  # the user's constructor: another idea is tried
            raise CannotMakeError(f"{cls.__name__}: {error}") from error

    # -- settings ---------------------------------------------------------------------------------

    def _setting(self, key: Key, frame: FrameType) -> Any:
        """The value of a setting that the code in ``frame`` reads."""
        found = self._definitions.at(frame.f_code)
        argument = Argument(key[-1])
        if found is not None:
            node, source = found
            owner = type(frame.f_locals[name]) if (name := _first_local(frame)) else None
            definition = Definition(node, source, frame.f_globals, owner)
            expression = _reading(definition, frame, key[-1])
            if expression is not None:
                argument = Argument(key[-1], inspect.Parameter.empty, definition, expression)
        return self._argument(key, argument)


def _first_local(frame: FrameType) -> str | None:
    """The name of the object whose method ``frame`` runs."""
    names = frame.f_code.co_varnames
    return (
        names[0] if frame.f_code.co_argcount and names[0] in frame.f_locals and names[0] == "self" else None
    )


def _reading(definition: Definition, frame: FrameType, name: str) -> str | None:
    """The expression on the line of ``frame`` that reads the setting ``name``."""
    for node in ast.walk(definition.node):
        if not isinstance(node, ast.Attribute | ast.Subscript) or not isinstance(node.ctx, ast.Load):
            continue
        if not node.lineno <= frame.f_lineno <= (node.end_lineno or node.lineno):
            continue
        read = node.attr if isinstance(node, ast.Attribute) else getattr(node.slice, "value", None)
        if read == name:
            return ast.unparse(node)
    return None


def _hints(value: Any) -> Mapping[str, Any]:
    function = value.__init__ if inspect.isclass(value) else value
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # a name that only a type checker imports
        hints = {}
    configuration = getattr(value, "config_class", None)  # as models of the transformers library name it
    return {"config": configuration, **hints} if inspect.isclass(configuration) else hints


def _is_settings_of_transformers(cls: type) -> bool:
    """Whether ``cls`` is a configuration of the transformers library, all of which have defaults."""
    return any(each.__name__ in ("PretrainedConfig", "PreTrainedConfig") for each in cls.__mro__)
