"""The guides in docs: their settings are settings, their YAML is YAML, and their Python runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from skiplint.linting.registry import load_registry
from skiplint.settings.precedence import CONFIG_VARIABLE, variable_name
from skiplint.settings.schema import settings_schema
from skiplint.settings.settings import Settings, convert_settings, validate_rules

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```\n", text, re.DOTALL)


def test_every_key_and_its_variable_are_explained() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    for field in msgspec.structs.fields(Settings):
        assert f"| `{field.encode_name}` | `{variable_name(field.encode_name)}` |" in text
    assert f"`{CONFIG_VARIABLE}`" in text


def test_the_settings_shown_are_right() -> None:
    tables = [tomllib.loads(block) for block in blocks("configuration.md", "toml")]
    own = [table for table in tables if "rule" not in table]
    assert len(own) == 3
    for table in own:
        settings: dict[str, Any] = table.get("tool", {}).get("skiplint", table)
        validate_rules(convert_settings(settings), load_registry())
        jsonschema.Draft7Validator(settings_schema(load_registry())).validate(settings)


@pytest.mark.parametrize("page", ["continuous-integration.md"])
def test_the_yaml_shown_can_be_read(page: str) -> None:
    shown = [yaml.safe_load(block) for block in blocks(page, "yaml")]
    (hook,) = yaml.safe_load((DOCS.parent / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    used = [each["repos"][0]["hooks"][0]["id"] for each in shown if "repos" in each]
    assert used == [hook["id"], hook["id"]]
    action = yaml.safe_load((DOCS.parent / "action.yml").read_text(encoding="utf-8"))
    steps = shown[0]["jobs"]["skiplint"]["steps"]
    assert set(steps[-1]["with"]) <= set(action["inputs"])
    job = yaml.safe_load((DOCS.parent / "ci" / "gitlab" / "skiplint.yml").read_text(encoding="utf-8"))
    assert set(shown[1]["skiplint"]["variables"]) == set(job["skiplint"]["variables"])


def test_the_python_shown_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in blocks("python-api.md", "python"):
        exec(compile(block, "python-api.md", "exec"), names)
    assert [skip.kind for skip in names["analysis"].skips] == ["additive"]
    assert names["analysis"].paths.layers.count == 2
    assert capsys.readouterr().out.startswith("SKL302 ")


@pytest.mark.parametrize("page", ["configuration.md", "continuous-integration.md", "python-api.md"])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (DOCS / page).read_text(encoding="utf-8")):
        assert (DOCS / target).exists(), target
