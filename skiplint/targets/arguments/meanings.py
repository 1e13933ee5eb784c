"""What each argument of a constructor means: from its annotation, its name and how the code uses it."""

from __future__ import annotations

import ast
import copy
import inspect
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from skiplint.targets.arguments import ideas
from skiplint.targets.arguments.definitions import Definition, Definitions
from skiplint.targets.arguments.ideas import SETTINGS, Idea
from skiplint.targets.arguments.modules import Modules, is_activation
from skiplint.targets.arguments.roles import Role, role_of
from skiplint.targets.arguments.uses import Uses, uses_of
from skiplint.targets.models.project import Project

_OF_MODULES = frozenset(
    "parameters modules children named_children named_modules state_dict load_state_dict eval train weight "
    "bias in_features out_features in_channels out_channels embedding_dim num_features fc classifier "
    "features layers requires_grad_ register_forward_hook apply".split()
)
"""Attributes that modules have."""
_LEVELS = 4
"""So many calls an argument is followed through."""
_OBJECT = re.compile(
    r"(\w+_)?(configs?|cfg|conf|args?|opts?|options|hparams|hps?|params|parameters|settings|config_\w+)"
)
_TORCH: dict[str, Role] = {
    **dict.fromkeys(("out_features", "out_channels", "num_features", "num_channels"), "width"),
    "embedding_dim": "width",
    **dict.fromkeys(("hidden_size", "normalized_shape", "embed_dim", "d_model"), "width"),
    **dict.fromkeys(("in_features", "in_channels", "input_size"), "features"),
    **dict.fromkeys(("num_heads", "nhead"), "heads"),
    **dict.fromkeys(("p", "dropout"), "rate"),
    **dict.fromkeys(("dilation", "groups"), "one"),
    **dict.fromkeys(("upscale_factor", "scale_factor"), "scale"),
    **dict.fromkeys(("batch_first", "bias", "affine"), "flag"),
    **dict.fromkeys(("inplace", "bidirectional"), "off"),
    "num_embeddings": "vocabulary", "kernel_size": "kernel", "stride": "stride", "padding": "padding",
    "num_groups": "groups", "num_layers": "depth", "dim_feedforward": "inner", "eps": "epsilon",
}  # fmt: skip
"""What the parameters of torch's modules stand for."""
_TAKES_MODULES = ("ModuleList", "Sequential")
_TAKES_MODULE = (
    "deepcopy",
    "DataParallel",
    "TransformerEncoder",
    "TransformerDecoder",
    "spectral_norm",
    "weight_norm",
)


@dataclass(frozen=True)
class Argument:
    """An argument to find a value for: a parameter, or a setting that is read from an object."""

    name: str
    annotation: Any = inspect.Parameter.empty
    definition: Definition | None = None
    """Where it is read."""
    expression: str = ""
    """How it is written there."""


@dataclass(frozen=True)
class Meanings:
    """Tells what arguments may be."""

    definitions: Definitions
    modules: Modules
    known: Mapping[str, Any] = field(default_factory=dict)
    """Values of arguments by name that others found."""

    project: Project | None = None
    """Where else arguments of the same name may be given."""
    _found: dict[tuple[object, ...], tuple[Idea, ...]] = field(default_factory=dict, repr=False)

    def ideas(self, argument: Argument) -> tuple[Idea, ...]:
        """What ``argument`` may be, the likeliest first."""
        node = None if argument.definition is None else argument.definition.node
        place = (argument.name, str(argument.annotation), node, argument.expression)
        if place not in self._found:
            self._found[place] = self._ideas(argument)
        return self._found[place]

    def _ideas(self, argument: Argument) -> tuple[Idea, ...]:
        uses = Uses()
        if argument.definition is not None:
            uses = self._uses(argument.definition, argument.expression)
        role = self._role(argument.name, uses)
        found = [*self._known(argument.name), *ideas.annotated(argument.annotation, role, uses)]
        objects = list(self._objects(argument, role, uses, typed=bool(found)))
        element = self._element(argument, uses)
        inferred = [*ideas.used(role, uses, element), *ideas.plain(role, uses)]
        defaults = list(self._defaults(uses))
        if uses.text or role in ("word", "activation", "norm", "pooling"):
            defaults += self._said_in_project(argument.name)
        likely_settings = bool(_OBJECT.fullmatch(argument.name.lower())) and not uses.sequence
        if likely_settings:
            objects.insert(0, SETTINGS)
        only_read = bool(uses.attributes) and not uses.called and not _OF_MODULES & set(uses.attributes)
        if not found and only_read and not likely_settings:
            objects = [*inferred[:1], *objects]
        return tuple(dict.fromkeys([*found, *objects, *defaults, *inferred, SETTINGS]))

    def _known(self, name: str) -> Iterator[Idea]:
        if name in self.known:
            yield ideas.constant(self.known[name])

    def _role(self, name: str, uses: Uses) -> Role | None:
        role = role_of(name)
        for callee, parameter in uses.arguments:
            module = getattr(callee, "__module__", None) or ""
            told = _TORCH.get(parameter) if module.startswith("torch.") else None
            if told in ("width", "features") and role not in (
                None,
                "image",
                "word",
                "off",
                "depth",
                "pooling",
                "rate",
                "one",
            ):
                continue
            if told is not None and not (told == "one" and role):
                return told
        if role is None:
            inner = (role_of(parameter) for callee, parameter in uses.arguments if callee is not getattr)
            role = next((each for each in inner if each is not None), None)
        if role is None and uses.counted:
            return "depth"
        return role

    def _defaults(self, uses: Uses) -> Iterator[Idea]:
        """The words and lists that the parameters to which the argument is passed have by default."""
        for callee, name in uses.arguments:
            module = getattr(callee, "__module__", None) or ""
            if callee is None or callee is getattr or module.startswith("torch."):
                continue
            try:
                parameter = inspect.signature(callee).parameters.get(name)
            except (TypeError, ValueError):
                continue
            default = None if parameter is None else parameter.default
            if isinstance(default, str | list | tuple | bool):
                yield ideas.constant(copy.deepcopy(default))

    def _said_in_project(self, name: str) -> Iterator[Idea]:
        """The words that the project itself gives for an argument of this name, in calls and as defaults."""
        for syntax in self.project.mentioning(name) if self.project is not None else ():
            for node in ast.walk(syntax.tree):
                if isinstance(node, ast.keyword) and node.arg == name:
                    values = [node.value]
                elif isinstance(node, ast.arguments):
                    named = [each.arg for each in (*node.posonlyargs, *node.args)]
                    given = dict(zip(reversed(named), reversed(node.defaults), strict=False))
                    values = [given[name]] if name in given else []
                else:
                    continue
                for value in values:
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield ideas.constant(value.value)

    def _uses(self, definition: Definition, expression: str) -> Uses:
        """How the code uses the value, also where it passes it on."""
        found = uses_of(definition, expression, self.definitions)
        queue = [(callee, name, 1) for callee, name in found.arguments]
        seen: set[tuple[int, str]] = set()
        while queue:
            callee, name, level = queue.pop(0)
            module = getattr(callee, "__module__", None) or ""
            if (id(callee), name) in seen or level > _LEVELS or module.startswith("torch."):
                continue
            seen.add((id(callee), name))
            inner = self._inner_uses(callee, name)
            if inner is not None:
                _add(found, inner)
                queue.extend((each, passed, level + 1) for each, passed in inner.arguments)
        return found

    def _inner_uses(self, callee: Any, name: str) -> Uses | None:
        definition = self.definitions.of(callee)
        if definition is None:
            return None
        written = definition.node.args
        named = {each.arg for each in (*written.posonlyargs, *written.args, *written.kwonlyargs)}
        if name not in named:
            return None
        return uses_of(definition, name, self.definitions)

    def _element(self, argument: Argument, uses: Uses) -> list[Idea]:
        """What the entries of a list are, from the loops over it."""
        found: list[Idea] = []
        for definition, target in uses.iterated:
            if isinstance(target, ast.Tuple):
                parts = ideas.several(Idea("whole", role_of(argument.name)), len(target.elts))
                return [parts]
            if isinstance(target, ast.Name):
                inner = self._uses(definition, target.id)
                if inner.called and not any(call.constructing for call in inner.calls):
                    continue
                role = self._role(argument.name, inner)
                role = role_of(target.id) if role is None else role
                found += [
                    *ideas.used(role, inner, ()),
                    ideas.number(role) if role not in _WORDY else ideas.scalar(None),
                ]
        return found

    # -- objects ----------------------------------------------------------------------------------

    def _objects(self, argument: Argument, role: Role | None, uses: Uses, *, typed: bool) -> Iterator[Idea]:
        """Modules, classes and functions that the argument may be."""
        for callee in uses.spread:
            if callee is not None:
                yield ideas.of_object("arguments", callee)
        takers = {getattr(callee, "__name__", "") for callee, _ in uses.arguments}
        if takers & set(_TAKES_MODULES) or any(self._calls_entries(each) for each in uses.iterated):
            yield from self.modules.lists(argument.name, argument.definition)
        constructing = [call for call in uses.calls if call.constructing]
        wants_class = _is_class_annotation(argument.annotation)
        if constructing or (wants_class and not uses.calls):
            yield from self.modules.classes(
                argument.name, role, constructing, uses.attributes, argument.definition
            )
        elif wants_class:
            yield from self.modules.functions(role, uses.calls)
            yield from self.modules.classes(
                argument.name, role, constructing, uses.attributes, argument.definition
            )
        elif uses.called or takers & set(_TAKES_MODULE) or _is_module_annotation(argument.annotation):
            if is_activation(role):
                yield from self.modules.functions(role, uses.calls)
            yield from self.modules.instances(argument.name, argument.definition)
        elif (
            self.modules.is_module_name(argument.name)
            and not typed
            and not _is_plain(uses)
            and role not in ("off", "flag", "rate", "epsilon", "path")
        ):
            yield from self.modules.instances(argument.name, argument.definition)

    def _calls_entries(self, loop: tuple[Definition, ast.expr]) -> bool:
        definition, target = loop
        return isinstance(target, ast.Name) and uses_of(definition, target.id, self.definitions).called


_WORDY: frozenset[Role | None] = frozenset(
    {"activation", "norm", "pooling", "word", "path", "device", "dtype"}
)


def _is_plain(uses: Uses) -> bool:
    """Whether the code takes the value for a number, a word or a list."""
    return (
        uses.calculated or uses.sequence or bool(uses.choices) or uses.text or uses.counted or bool(uses.keys)
    )


def _is_class_annotation(annotation: Any) -> bool:
    text = annotation if isinstance(annotation, str) else str(annotation)
    return (
        bool(re.search(r"\b([Tt]ype\[|type\b|Callable)", text))
        and annotation is not inspect.Parameter.empty
        and "class '" not in text
    )


def _is_module_annotation(annotation: Any) -> bool:
    from torch import nn

    return any(each is nn.Module for each in (annotation, *typing.get_args(annotation))) or (
        isinstance(annotation, str) and annotation.endswith("Module")
    )


def _add(uses: Uses, inner: Uses) -> None:
    """Add what a callee does with a value; the tests that it makes stay its own affair."""
    uses.arguments += [each for each in inner.arguments if each not in uses.arguments]
    uses.calls += inner.calls
    uses.choices += inner.choices
    uses.entries = max(uses.entries, inner.entries)
    uses.unpacked |= inner.unpacked
    uses.attributes += inner.attributes
    uses.keys += inner.keys
    uses.spread += inner.spread
    uses.types += inner.types
    for name in ("indexed", "measured", "starred", "calculated", "counted", "text", "path"):
        setattr(uses, name, getattr(uses, name) or getattr(inner, name))
    uses.iterated += inner.iterated
