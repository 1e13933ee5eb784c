"""Inputs whose annotation is a class with fields: dataclasses, named tuples and typed dictionaries."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from typing import TYPE_CHECKING, Any

from skiplint.targets.inputs.annotations import evaluated
from skiplint.targets.inputs.forms import Form
from skiplint.targets.inputs.signatures import Slot

if TYPE_CHECKING:
    from torch import nn


def annotated_form(model: nn.Module, slot: Slot) -> Form | None:
    """Return the form of a parameter that is annotated with a class with fields; None for any other.

    Fields that have a default are left to it.
    """
    annotation = evaluated(model, slot)
    classes = [each for each in (annotation, *typing.get_args(annotation)) if inspect.isclass(each)]
    for cls in classes:
        names = _fields(cls)
        if names:
            kind: Any = "dict" if issubclass(cls, dict) else "fields"
            return Form(kind, tuple((name, Form()) for name in names), record=None if kind == "dict" else cls)
    return None


def _fields(cls: Any) -> list[str]:
    if typing.is_typeddict(cls):
        return sorted(cls.__required_keys__, key=list(cls.__annotations__).index)
    if dataclasses.is_dataclass(cls):
        missing = dataclasses.MISSING
        fields = [each for each in dataclasses.fields(cls) if each.init]
        return [each.name for each in fields if each.default is missing and each.default_factory is missing]
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return [name for name in cls._fields if name not in cls._field_defaults]
    return []
