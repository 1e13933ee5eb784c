"""Whether imported objects are models, or make them."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any

_MODEL_WORDS = re.compile(
    r"(model|net|network|module|backbone|encoder|decoder|unet|former)\w*$", re.IGNORECASE
)
_LIGHTNING = ("pytorch_lightning", "lightning")


def is_model_class(value: Any) -> bool:
    """Whether ``value`` is a module class with a forward of its own; losses and abstract classes are not."""
    from torch import nn

    if not (inspect.isclass(value) and issubclass(value, nn.Module)) or inspect.isabstract(value):
        return False
    return _has_forward(value) and not issubclass(value, nn.modules.loss._Loss)


def is_model_object(value: Any) -> bool:
    """Whether a module-level object is a model: it has parameters, and a forward."""
    from torch import nn

    if not isinstance(value, nn.Module) or not _has_forward(type(value)):
        return False
    return any(True for _ in value.parameters())


def returns_model(function: Any) -> bool | None:
    """Whether the return annotation is a module; None where there is no telling annotation."""
    from torch import nn

    annotation = getattr(function, "__annotations__", {}).get("return", inspect.Parameter.empty)
    if annotation is inspect.Parameter.empty:
        return None
    if isinstance(annotation, str):
        try:
            # As typing.get_type_hints does, for the one annotation that matters here.
            annotation = eval(annotation, getattr(function, "__globals__", {}))  # noqa: S307
        except Exception:
            return "Module" in annotation or None
    if annotation is typing.Any or annotation is None:
        return None if annotation is typing.Any else False
    kinds = [annotation, *typing.get_args(annotation)]
    return any(inspect.isclass(kind) and issubclass(kind, nn.Module) for kind in kinds)


def names_a_model(name: str) -> bool:
    """Whether ``name`` is one that models have, such as ``UNet`` or ``my_encoder``."""
    return bool(_MODEL_WORDS.search(name))


def _has_forward(cls: type) -> bool:
    from torch import nn

    forward = getattr(cls, "forward", None)
    if forward is None or forward is nn.Module.forward:
        return False
    for base in cls.__mro__:
        if "forward" in vars(base):
            return not base.__module__.startswith(_LIGHTNING)
    return False
