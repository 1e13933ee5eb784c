"""Fields are documented by the string below them, in the source and in the JSON Schema."""

from __future__ import annotations

import msgspec

from skiplint.sources.field_docs import describe_fields, field_docs


class Box(msgspec.Struct):
    """What has
    ``sides``."""

    width: int = 3
    """How many
    are ``many``."""
    other: int = 0


class Crate(Box):
    """A box with a lid."""

    lid: Box | None = None
    """What is on top."""
    inner: Box = msgspec.field(name="in", default_factory=Box)
    """What is inside."""


def test_the_string_below_a_field() -> None:
    assert field_docs(Box) == {"width": "How many are `many`."}


def test_a_schema_says_the_same_with_inherited_fields_and_encoded_names() -> None:
    schema = msgspec.json.schema(Crate, ref_template="#/{name}")["$defs"]["Crate"]
    describe_fields(schema, Crate)
    assert schema["description"] == "A box with a lid."
    described = {name: place.get("description") for name, place in schema["properties"].items()}
    assert described == {
        "width": "How many are `many`.",
        "other": None,
        "lid": "What is on top.",
        "in": "What is inside.",
    }
    assert schema["properties"]["in"]["allOf"] == [{"$ref": "#/Box"}]
