"""JSON Schema of the configuration, for editors, made from :class:`Settings` and the rules' own options."""

from __future__ import annotations

from typing import Any

import msgspec

from skiplint.linting.finding import Severity
from skiplint.linting.registry import Registry
from skiplint.linting.rule import Rule, summary
from skiplint.settings.settings import Settings
from skiplint.sources.field_docs import describe_fields
from skiplint.targets import ModelConfig

SELECTOR_LISTS = ("select", "extend-select", "ignore")
_SELECTOR = {"$ref": "#/definitions/Selector"}
_SEVERITIES = [severity.value for severity in reversed(Severity)]


def settings_schema(registry: Registry) -> dict[str, Any]:
    """The JSON Schema of ``[tool.skiplint]`` and of skiplint.toml, with the options of ``registry``'s rules.

    The table of any other rule may hold anything: it may be one of a pack that only the reader has. The
    schema is of draft 7, which editors' TOML support knows.
    """
    body, definitions = _struct_schema(Settings)
    properties = body["properties"]
    for key in SELECTOR_LISTS:
        properties[key]["items"] = _SELECTOR
    properties["per-file-ignores"]["additionalProperties"]["items"] = _SELECTOR
    tables = properties["rules"]["properties"] = {}
    for rule in registry.rules:
        tables[rule.name], more = _rule_schema(rule)
        definitions |= more
    definitions["ModelConfig"] = _struct_schema(ModelConfig)[0]
    definitions["Selector"] = _selector_schema(registry)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **body,
        "title": "skiplint settings",
        "description": "[tool.skiplint] in pyproject.toml, or the whole of skiplint.toml",
        "definitions": dict(sorted(definitions.items())),
    }


def schema_text(registry: Registry) -> str:
    """The text of docs/skiplint.schema.json."""
    return msgspec.json.format(msgspec.json.encode(settings_schema(registry)), indent=2).decode() + "\n"


def _struct_schema(struct: type[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of one struct, and those of the structs that it refers to."""
    definitions = msgspec.json.schema(struct, ref_template="#/definitions/{name}")["$defs"]
    body = definitions.pop(struct.__name__)
    describe_fields(body, struct)
    return body, definitions


def _rule_schema(rule: type[Rule]) -> tuple[dict[str, Any], dict[str, Any]]:
    body, definitions = _struct_schema(rule.Options)
    properties = {name.replace("_", "-"): place for name, place in body["properties"].items()}
    properties["severity"] = {"enum": _SEVERITIES, "description": "Severity of its findings."}
    schema = {
        "type": "object",
        "description": f"{rule.code}: {summary(rule).replace('`', '')}",
        "properties": properties,
        "additionalProperties": False,
    }
    return schema, definitions


def _selector_schema(registry: Registry) -> dict[str, Any]:
    keys = ["ALL", *(key for rule in registry.rules for key in (rule.code, rule.name))]
    return {
        "description": "A rule's code, the beginning of codes, a rule's name, or ALL.",
        "anyOf": [{"enum": keys}, {"type": "string", "minLength": 1}],
    }
