"""Whether imported objects are models, or make them."""

from __future__ import annotations

import ast
import inspect
import re
import typing
from typing import Any

_MODEL_WORDS = re.compile(
    r"(model|net|network|module|backbone|encoder|decoder|unet|former)\w*$", re.IGNORECASE
)
_LOSS = re.compile(r"(Loss|Criterion|Metric)$|^Loss")
_LIGHTNING = ("pytorch_lightning", "lightning")


def is_model_class(value: Any, node: ast.ClassDef | None = None) -> bool:
    """Whether ``value`` is a module class with a forward of its own; losses and abstract bases are not."""
    from torch import nn

    if not (inspect.isclass(value) and issubclass(value, nn.Module)) or inspect.isabstract(value):
        return False
    if _LOSS.search(value.__name__) or issubclass(value, nn.modules.loss._Loss):
        return False
    return _has_forward(value) and not (node is not None and _only_promises_forward(node))


def is_model_object(value: Any) -> bool:
    """Whether a module-level object is a model, and no loss or bare activation."""
    from torch import nn

    if not isinstance(value, nn.Module) or not _has_forward(type(value)):
        return False
    if isinstance(value, nn.modules.loss._Loss) or _LOSS.search(type(value).__name__):
        return False
    plain = type(value).__module__.startswith("torch.nn.") and not any(True for _ in value.parameters())
    return not plain or any(True for _ in value.children())


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


def _only_promises_forward(node: ast.ClassDef) -> bool:
    """Whether forward does nothing but raise NotImplementedError (or nothing at all)."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "forward":
            body = [part for part in item.body if not _is_bare_constant(part)]
            return all(isinstance(part, ast.Pass) or _raises_not_implemented(part) for part in body)
    return False


def _is_bare_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _raises_not_implemented(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
