"""The JSON Schema for editors says the same as the reader of settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from skiplint.linting.registry import Registry, load_registry
from skiplint.settings.schema import schema_text, settings_schema
from skiplint.settings.settings import ConfigError, Settings, convert_settings, validate_rules
from skiplint.sources.field_docs import field_docs
from skiplint.targets import ModelConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PUBLISHED = Path(__file__).parents[2] / "docs" / "skiplint.schema.json"


def built_in() -> Registry:
    """The rules of this repository, whatever other packs are installed."""
    rules = load_registry().rules
    return Registry(tuple(rule for rule in rules if rule.__module__.startswith("skiplint")))


def test_the_published_schema_is_fresh() -> None:
    """Run with ``SCHEMA_WRITE=1`` to write it anew."""
    if os.environ.get("SCHEMA_WRITE"):
        PUBLISHED.write_text(schema_text(built_in()), encoding="utf-8")
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(built_in())


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(settings_schema(built_in()))


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("", True),
        ('select = ["SKL2", "plain-depth"]\nfail-on = "error"', True),
        ('[per-file-ignores]\n"tests/*" = ["SKL3"]', True),
        ('[rules.plain-depth]\nlimit = 30\nseverity = "info"', True),
        ('[[models]]\ntarget = "a.py:Net"\ninputs = [["B", 3]]\nsizes = {B = 2}', True),
        ("slect = []", False),
        ("select = 'SKL1'", False),
        ("fail-on = 'never'", False),
        ("[rules.plain-depth]\nlimi = 30", False),
        ("[rules.plain-depth]\nlimit = 'x'", False),
        ("[rules.plain-depth]\nseverity = 'fatal'", False),
        ("[[models]]\nargs = []", False),
        ("[[models]]\ntarget = 'a.py:Net'\ninput = []", False),
    ],
)
def test_it_agrees_with_the_reader(text: str, right: bool) -> None:
    table: dict[str, Any] = tomllib.loads(text)
    assert jsonschema.Draft7Validator(settings_schema(built_in())).is_valid(table) is right
    if right:
        validate_rules(convert_settings(table), built_in())
    else:
        with pytest.raises(ConfigError):
            validate_rules(convert_settings(table), built_in())


@pytest.mark.parametrize("struct", [Settings, ModelConfig])
def test_every_key_is_described(struct: type[msgspec.Struct]) -> None:
    assert set(field_docs(struct)) == set(struct.__struct_fields__)
