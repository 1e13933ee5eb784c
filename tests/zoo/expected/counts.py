"""How many joins a model is expected to have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True, slots=True)
class Counts:
    """Joins by kind; ``projections`` of them have a projection shortcut (None: not derived)."""

    additive: int = 0
    concatenative: int = 0
    gated: int = 0
    projections: int | None = 0

    def __add__(self, other: Counts) -> Counts:
        known = self.projections is not None and other.projections is not None
        return Counts(
            self.additive + other.additive,
            self.concatenative + other.concatenative,
            self.gated + other.gated,
            (self.projections or 0) + (other.projections or 0) if known else None,
        )


Rule = Callable[[Any], Counts]
NONE = Counts()
ADDITIVE = Counts(additive=1)
TWO = Counts(additive=2)
CONCATENATIVE = Counts(concatenative=1)


def additive_if(flag: str) -> Rule:
    """One additive join where the module's ``flag`` is set."""
    return lambda module: ADDITIVE if getattr(module, flag) else NONE


def always(counts: Counts) -> Rule:
    """The same for every module of a class."""
    return lambda module: counts


def weighted(module: nn.Module | None) -> bool:
    """Whether anything in the module mixes data with learned weights."""
    layers = (nn.modules.conv._ConvNd, nn.Linear)
    return module is not None and any(isinstance(part, layers) for part in module.modules())


def shortcut(attribute: str) -> Rule:
    """One additive join past ``attribute``: absent or weightless means identity, else projection."""
    return lambda module: Counts(additive=1, projections=int(weighted(getattr(module, attribute))))


def optional_shortcut(attribute: str) -> Rule:
    """Like :func:`shortcut` in blocks that have no join at all where ``attribute`` is None."""
    rule = shortcut(attribute)
    return lambda module: NONE if getattr(module, attribute) is None else rule(module)


def total(model: nn.Module, rules: Mapping[str, Rule], prefix: str) -> Counts:
    """Sum ``rules`` over the modules of ``model``; a key is a class's path below ``prefix``.

    A class without a rule of its own inherits that of the nearest base class.
    """
    counts = NONE
    for module in model.modules():
        for kind in type(module).__mro__:
            key = f"{kind.__module__}.{kind.__qualname__}".removeprefix(prefix)
            if key in rules:
                counts += rules[key](module)
                break
    return counts
