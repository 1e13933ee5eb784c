"""JSON Schema of the machine-readable report, generated from the structs that are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UnsetType

from skiplint.reporting.record import Record
from skiplint.reporting.report import Document
from skiplint.sources.field_docs import describe_fields


def report_schema() -> dict[str, Any]:
    """The schema of what :meth:`skiplint.Report.to_dict` returns. Draft 2020-12."""
    definitions = msgspec.json.schema(Document, ref_template="#/$defs/{name}")["$defs"]
    structs = {struct.__name__: struct for struct in _derived(Record)}
    for name, body in definitions.items():
        if "properties" in body:
            _complete(body, structs[name])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **definitions.pop(Document.__name__),
        "title": "skiplint report",
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as it is in docs/report.schema.json."""
    return json.dumps(report_schema(), indent=2) + "\n"


def _derived(struct: type[Record]) -> Iterator[type[Record]]:
    for each in struct.__subclasses__():
        yield each
        yield from _derived(each)


def _complete(body: dict[str, Any], struct: type[msgspec.Struct]) -> None:
    """Describe a struct, and require all that is always written, whatever its default."""
    describe_fields(body, struct)
    for place in body["properties"].values():
        place.pop("default", None)
    optional = {
        field.encode_name for field in msgspec.structs.fields(struct) if UnsetType in _options(field.type)
    }
    body["required"] = [name for name in body["properties"] if name not in optional]


def _options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; empty for another type."""
    found: tuple[Any, ...] = getattr(annotation, "__args__", ())
    return found
