"""Modules, and what makes them, for arguments that take modules, classes or functions."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skiplint.targets.arguments.definitions import Definition, Definitions
from skiplint.targets.arguments.ideas import Idea, of_object
from skiplint.targets.arguments.roles import Role, Sizes
from skiplint.targets.arguments.uses import CallOf
from skiplint.targets.models import modelhood
from skiplint.targets.models.classes import only_promises

_MODULE_NAME = re.compile(
    r"(\w+_)?(encoder|decoder|backbone|body|block|layer|head|neck|net|network|model|module|fn|func|stem|classifier|generator|"
    r"discriminator|unet|transformer|attn|attention|embedder|embedding|sublayer|trunk|extractor|denoise_fn|denoiser|vae|"
    r"resnet|vgg|cnn|rnn|lstm|mlp|ffn|feed_forward|self_attn|src_attn|wrapped|base|teacher|student|core|flow|prior|actor|critic|"
    r"policy|vit|bert|tokenizer_model|projector|predictor|conv|norm|main|submodule|m|f|g)(_?(model|net|network|module|layer|\d))?"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LAYERS = re.compile(r"\b(Conv|ConvTranspose)([123])d\b|\bLinear\b|\bEmbedding\b")


def is_activation(role: Role | None) -> bool:
    """Whether an argument with ``role`` is an activation function."""
    return role == "activation"


@dataclass(frozen=True)
class Simple:
    """A module of torch that keeps the width of what goes through it."""

    kind: str
    dimensions: int = 2

    def make(self, sizes: Sizes) -> Any:
        """The module."""
        from torch import nn

        if self.kind == "Linear":
            return nn.Linear(sizes.width, sizes.width)
        if self.kind == "Conv":
            convolution = getattr(nn, f"Conv{self.dimensions}d")
            return convolution(sizes.width, sizes.width, 3, padding=1)
        if self.kind == "Backbone":
            return importlib.import_module("torchvision.models").resnet18(weights=None)
        return nn.Identity()


@dataclass(frozen=True)
class Modules:
    """The module classes around a constructor."""

    definitions: Definitions
    namespace: Mapping[str, Any]
    """Of the file of the constructor."""
    without: tuple[Any, ...] = ()
    """The class that is to be constructed: it is no part of itself."""

    def is_module_name(self, name: str) -> bool:
        """Whether an argument called ``name`` usually is a module."""
        return bool(_MODULE_NAME.fullmatch(name.strip("_").lower()))

    def instances(self, name: str, definition: Definition | None) -> Iterator[Idea]:
        """Modules to pass for ``name``: a class of that name, else a layer that keeps the width."""
        for cls in self._like(name):
            yield of_object("module", cls)
        dimensions = _dimensions(definition)
        order = ["Linear", "Conv"] if dimensions == 0 else ["Conv", "Linear"]
        if (
            re.search(r"backbone|encoder|resnet|model|body|extractor|vgg|cnn", name.lower())
            and _has_torchvision()
        ):
            order.insert(2 if dimensions == 0 else 1, "Backbone")
        for kind in [*order, "Identity"]:
            yield Idea("module", value=Simple(kind, dimensions or 2), shown=kind)

    def lists(self, name: str, definition: Definition | None) -> Iterator[Idea]:
        """Lists of modules to pass for ``name``."""
        singular = name.removesuffix("s")
        for each in self.instances(singular, definition):
            yield Idea("modules", value=each.value, shown=each.shown)

    def functions(self, role: Role | None, calls: Sequence[CallOf]) -> Iterator[Idea]:
        """Functions to call in a forward."""
        from torch.nn import functional

        del calls
        if is_activation(role) or role is None:
            yield Idea("callable", value=functional.relu, shown="relu")

    def classes(
        self,
        name: str,
        role: Role | None,
        calls: Sequence[CallOf],
        attributes: Sequence[str],
        definition: Definition | None,
    ) -> Iterator[Idea]:
        """Classes and functions that make modules, to be called as ``calls`` do.

        Args:
            name: of the argument.
            role: what the name says.
            calls: how the constructor calls it.
            attributes: what is read from it.
            definition: where it is used.
        """
        from torch import nn

        dimensions = _dimensions(definition)
        found: list[Any] = []
        fitting = [
            cls
            for cls in self._all()
            if all(_takes(cls, call) for call in calls) and all(hasattr(cls, each) for each in attributes)
        ]
        if role == "norm" or "norm" in name or re.fullmatch(r"bn\d?", name):
            norms = (
                [nn.LayerNorm] if dimensions == 0 else [getattr(nn, f"BatchNorm{dimensions}d"), nn.LayerNorm]
            )
            found += [*norms, nn.BatchNorm1d if dimensions == 0 else nn.Identity]
        elif is_activation(role) or (calls and all(not call.positional for call in calls) and "act" in name):
            found += [nn.ReLU, nn.GELU]
        else:
            found += sorted(fitting, key=lambda cls: -_similar(name, cls.__name__))
            if "conv" in name:
                found.insert(0, getattr(nn, f"Conv{dimensions or 2}d"))
            elif "linear" in name or "dense" in name or "fc" in name:
                found.insert(0, nn.Linear)
            elif "drop" in name:
                found.insert(0, nn.Dropout)
            else:
                found += [getattr(nn, f"Conv{dimensions}d")] if dimensions else [nn.Linear]
        for value in dict.fromkeys(found):
            if all(_takes(value, call) for call in calls):
                yield of_object("callable", value)

    def concrete(self, cls: type) -> list[type]:
        """``cls``, where its forward computes something, and the loaded classes that derive from it."""
        found: list[type] = [cls]
        for each in found:
            derived: list[type] = each.__subclasses__()
            found += [one for one in derived if one not in found]
        return [each for each in found if self._computes(each)]

    def _computes(self, cls: type) -> bool:
        forward = self.definitions.method(cls, "forward")
        promised = forward is not None and only_promises(forward.node)
        return modelhood.is_model_class(cls) and not promised and cls not in self.without

    def _all(self) -> list[type]:
        from torch import nn

        return [
            value
            for value in dict.fromkeys(each for each in self.namespace.values() if inspect.isclass(each))
            if issubclass(value, nn.Module)
            and not value.__module__.startswith("torch.nn")
            and self._computes(value)
        ]

    def _like(self, name: str) -> list[type]:
        found = [cls for cls in self._all() if _similar(name, cls.__name__) > 0]
        return sorted(found, key=lambda cls: -_similar(name, cls.__name__))[:3]


def _similar(name: str, other: str) -> float:
    """How much of two names is the same, from 0 to 1."""
    first = {each.lower() for each in _WORDS.findall(name)} - {
        "layer",
        "module",
        "fn",
        "type",
        "class",
        "cls",
    }
    second = {each.lower() for each in _WORDS.findall(other)}
    shared = first & second
    return len(shared) / len(first | second) if shared else 0.0


def _takes(cls: type, call: CallOf) -> bool:
    try:
        inspect.signature(cls).bind(*range(call.positional), **dict.fromkeys(call.keywords))
    except (TypeError, ValueError):
        return False
    return True


def _dimensions(definition: Definition | None) -> int:
    """Of the convolutions that the class uses: 1, 2 or 3; 0 where it uses linear layers, or nothing says."""
    if definition is None:
        return 0
    for scope in (definition.class_node or definition.node, definition.source.tree):
        found = list(_LAYERS.finditer(ast.unparse(scope)))
        if found:
            convolutions = [int(match[2]) for match in found if match[2]]
            return (
                max(set(convolutions), key=convolutions.count) if len(convolutions) * 2 >= len(found) else 0
            )
    return 0


def _has_torchvision() -> bool:
    return importlib.util.find_spec("torchvision") is not None
