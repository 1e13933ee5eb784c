"""Shapes in the annotations of forward, as jaxtyping writes them: ``Float[Tensor, "b c h w"]``.

jaxtyping itself is not imported; its annotations carry ``dim_str`` and ``dtypes``. Plain ``Annotated`` with
a shape as a string or a tuple is read as well.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skiplint.targets.inputs.signatures import Slot, unwrapped
from skiplint.targets.inputs.templates import Size, Template

if TYPE_CHECKING:
    from torch import nn

_ROLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("B", re.compile(r"^(b|n|bs|batch|batch_size|batchsize|bsz)$", re.IGNORECASE)),
    ("S", re.compile(r"^(h|w|s|height|width|size|side|img_size|image_size|hw)\d*$", re.IGNORECASE)),
    (
        "T",
        re.compile(
            r"^(t|l|q|k|seq|time|tokens?|length|len|seq_len|seqlen|sequence|frames?|steps?|pos)\d*$",
            re.IGNORECASE,
        ),
    ),
)
_DTYPES = (
    ("float", "float32"),
    ("bfloat", "float32"),
    ("bool", "bool"),
    ("int", "int64"),
    ("uint", "int64"),
    ("complex", "complex64"),
)


def annotated_template(model: nn.Module, slot: Slot, sizes: Mapping[str, int]) -> Template | None:
    """Return the template that the annotation of one parameter of forward describes.

    Args:
        model: the model.
        slot: the parameter.
        sizes: the values of names that the configuration fixes.

    Returns:
        The template; None if the annotation has no shape. Names without a usual role ("c", "dim") stay in it
        as names, for the caller to find their sizes.
    """
    annotation = evaluated(model, slot)
    text, dtype = _shape_text(annotation)
    if text is None:
        return None
    return shape_template(text, dtype, sizes, f'annotated as {dtype} "{text}"')


def shape_template(text: str, dtype: str, sizes: Mapping[str, int], why: str) -> Template:
    """Return the template of a shape that is written as names and numbers, such as "b c h w".

    Of two names for a batch, the second one counts something else: the points of "B N 3".
    """
    shape: list[Size] = []
    for token in text.split():
        size = _size(token, sizes)
        shape.append("T" if size == "B" and "B" in shape else size)
    return Template(tuple(shape), dtype, why=why)


def open_names(template: Template) -> list[str]:
    """Return the names in the template whose size is unknown, in order."""
    return [size for size in template.shape if isinstance(size, str) and size.startswith("?")]


def evaluated(model: nn.Module, slot: Slot) -> Any:
    """Return the annotation of a parameter as an object; None where its text cannot be evaluated."""
    if not isinstance(slot.annotation, str):
        return slot.annotation
    forward = unwrapped(model).forward
    names = getattr(forward, "__globals__", getattr(getattr(forward, "__func__", None), "__globals__", {}))
    try:
        return eval(slot.annotation, dict(names))  # noqa: S307 - the user's own annotation, as typing evaluates it
    except Exception:
        return None


def _shape_text(annotation: Any) -> tuple[str | None, str]:
    text = getattr(annotation, "dim_str", None)
    if isinstance(text, str):
        return text, _dtype(getattr(annotation, "dtypes", ()))
    for item in getattr(annotation, "__metadata__", ()):
        if isinstance(item, str) and re.fullmatch(r"[\w\s*.#?=+-]+", item):
            return item, "float32"
        if isinstance(item, tuple | list) and item and all(isinstance(size, int | str) for size in item):
            return " ".join(str(size) for size in item), "float32"
    for inner in typing.get_args(annotation):
        found, dtype = _shape_text(inner)  # Optional[Float[...]]
        if found is not None:
            return found, dtype
    return None, "float32"


def _dtype(dtypes: Any) -> str:
    names = [str(name) for name in dtypes] if isinstance(dtypes, list | tuple) else []
    for prefix, dtype in _DTYPES:
        if any(name.startswith(prefix) for name in names):
            return dtype
    return "float32"


def _size(written: str, sizes: Mapping[str, int]) -> Size:
    """One token of the shape: a number, a name (``c``, ``b=4``, ``#b``) or nothing (``*batch``, ``...``)."""
    if written == "..." or written.startswith("*"):
        return "B"
    name = written.lstrip("#?_").split("=")[-1]
    if name.isdigit():
        return int(name)
    if name in sizes:
        return sizes[name]
    for role, pattern in _ROLES:
        if pattern.match(name):
            return role
    return f"?{name or 'any'}"
