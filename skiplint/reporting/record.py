"""What all structs of the report are made of: their base, numbers with limits, shapes and locations."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from skiplint.graph import Location

# Limits are for readers of the schema: nothing that skiplint measured is refused when it is written.
Size = Annotated[int, Meta(extra_json_schema={"minimum": 0})]
Positive = Annotated[int, Meta(extra_json_schema={"minimum": 1})]
Part = Annotated[float, Meta(extra_json_schema={"minimum": 0, "maximum": 1})]
Deviation = Annotated[float, Meta(extra_json_schema={"minimum": 0})]
BigInteger = Annotated[
    str,
    Meta(
        description="An exact integer of any size, as a string of digits.",
        extra_json_schema={"pattern": "^[0-9]+$"},
    ),
]
Shape = tuple[Size, ...]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything in the report: immutable, and written as an object with exactly its fields."""


class LocationReport(Record, frozen=True, kw_only=True):
    """A range of a source file; the path is relative to the working directory when below it.

    Lines and columns count from 1.
    """

    path: str
    line: Positive
    column: Positive | None = None
    end_line: Positive | None = None
    """The line of the last character."""
    end_column: Positive | None = None
    """The column after the last character."""


def location_report(location: Location | None) -> LocationReport | None:
    """``location`` as it is written, None where there is none."""
    if location is None:
        return None
    return LocationReport(
        path=location.path,
        line=location.line,
        column=location.column,
        end_line=location.end_line,
        end_column=location.end_column,
    )
