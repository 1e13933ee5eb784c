"""The documentation of a struct's fields, read from its source, and the JSON Schema that repeats it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

import msgspec


def field_docs(struct: type[Any]) -> dict[str, str]:
    """The string below each field of ``struct`` in its source, on one line, by the field's name."""
    body = ast.parse(textwrap.dedent(inspect.getsource(struct))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, doc in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
            and isinstance(doc.value, ast.Constant)
            and isinstance(doc.value.value, str)
        ):
            found[field.target.id] = _one_line(doc.value.value)
    return found


def describe_fields(schema: dict[str, Any], struct: type[msgspec.Struct]) -> None:
    """Add the documentation of ``struct`` and of its fields, inherited ones too, to its JSON Schema."""
    docs: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if base is not msgspec.Struct and issubclass(base, msgspec.Struct):
            docs |= field_docs(base)
    for field in msgspec.structs.fields(struct):
        if field.name in docs:
            place = schema["properties"][field.encode_name]
            # Draft 7 ignores what stands beside a reference.
            if "$ref" in place:
                place["allOf"] = [{"$ref": place.pop("$ref")}]
            place["description"] = docs[field.name]
    schema["description"] = _one_line(inspect.getdoc(struct) or "")


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
