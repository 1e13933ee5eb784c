"""The parameters of forward, and what their names and annotations say about their values."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

SlotKind = Literal["tensor", "tensors", "scalar", "mask", "moment"]

_MOMENT = re.compile(
    r"^(t|ts|time|times|timesteps?|time_steps?|step|steps|sigmas?|noise_levels?|noise_labels?)$"
)
_MASK = re.compile(r"mask$|^mask|_bias$|^attn_bias$")
_LIST = re.compile(r"^(typing\.)?(List|list|Sequence|Tuple|tuple|Iterable)\b.*Tensor")
_TENSOR = re.compile(r"Tensor|Float\[|Int\[|Array")
_SCALAR_BY_ANNOTATION: dict[str, Any] = {"int": 1, "float": 1.0, "bool": False, "str": ""}
_FALSE = re.compile(
    r"^(return|output|use|is|with|do|need|only)_|^(train|training|verbose|debug|inference|test|sample)$"
)


@dataclass(frozen=True)
class Slot:
    """One parameter of forward that needs a value."""

    name: str
    kind: SlotKind
    keyword: bool = False
    scalar: Any = None
    optional: bool = False
    """Whether None is an allowed value."""
    annotation: Any = None
    is_tensor: bool = False
    """Whether its annotation says that it is a tensor, and no structure."""


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside DataParallel and torch.compile wrappers."""
    from torch import nn

    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(inner := model._modules.get("_orig_mod"), nn.Module):
            model = inner
        else:
            return model


def forward_parameters(model: nn.Module) -> list[inspect.Parameter]:
    """Return the parameters of the model's forward without self; empty if they cannot be read."""
    try:
        return list(inspect.signature(unwrapped(model).forward).parameters.values())
    except (TypeError, ValueError):
        return []


def required_slots(model: nn.Module) -> list[Slot]:
    """Return the parameters without a default, or the first one if all have one."""
    parameters = forward_parameters(model)
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [_slot(p) for p in named if p.default is p.empty]
    if required:
        return required
    if any(p.kind is p.VAR_POSITIONAL for p in parameters) and not named:
        return [Slot(next(p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "tensor")]
    if named and named[0].default is None:
        return [_slot(named[0])]
    return []


def optional_slots(model: nn.Module) -> list[Slot]:
    """Return up to two parameters that default to None and may still be needed."""
    taken = {slot.name for slot in required_slots(model)}
    named = [p for p in forward_parameters(model) if p.default is None and p.name not in taken]
    slots = [_slot(p, keyword=True) for p in named]
    return [slot for slot in slots if slot.kind in ("tensor", "moment")][:2]


def kind_of(name: str) -> SlotKind:
    """Return what the name of an input suggests about its values."""
    if _MASK.search(name):
        return "mask"
    return "moment" if _MOMENT.search(name) else "tensor"


def _slot(parameter: inspect.Parameter, keyword: bool = False) -> Slot:
    text = _annotation_text(parameter.annotation)
    optional = "Optional" in text or "None" in text
    keyword = keyword or parameter.kind is parameter.KEYWORD_ONLY
    scalar = _scalar(parameter.name, text)
    kind: SlotKind = "tensor"
    if scalar is not None:
        kind = "scalar"
    elif _LIST.search(text):
        kind = "tensors"
    else:
        kind = kind_of(parameter.name)
    return Slot(parameter.name, kind, keyword, scalar, optional, parameter.annotation, _is_tensor(text))


def _scalar(name: str, text: str) -> Any:
    if text in _SCALAR_BY_ANNOTATION:
        return _SCALAR_BY_ANNOTATION[text]
    if not text and _FALSE.search(name):
        return False
    return None


def _is_tensor(text: str) -> bool:
    return bool(re.fullmatch(r"(Optional\[)?(torch\.)?(Long|Float|Bool|Int)?Tensor\]?( \| None)?", text))


def _annotation_text(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    if isinstance(annotation, str):
        return annotation
    return (
        annotation.__name__
        if inspect.isclass(annotation) and not hasattr(annotation, "__args__")
        else str(annotation)
    )
