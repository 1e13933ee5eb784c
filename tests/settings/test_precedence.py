"""The command line goes before the environment, that before a file, and that before the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skiplint.linting.finding import Severity
from skiplint.linting.registry import load_registry
from skiplint.settings.precedence import (
    Effective,
    effective_settings,
    environment_table,
    overlaid,
    variable_name,
)
from skiplint.settings.settings import ConfigError, Settings


def effective(
    folder: Path,
    file: str = "",
    environment: Mapping[str, str] | None = None,
    command_line: Mapping[str, Any] | None = None,
) -> Effective:
    (folder / "skiplint.toml").write_text(file, encoding="utf-8")
    return effective_settings(
        start=folder, environment=environment or {}, command_line=command_line, registry=load_registry()
    )


def test_each_source_goes_before_the_next(in_tmp_path: Path) -> None:
    file, environment, flags = 'fail-on = "error"', {"SKIPLINT_FAIL_ON": "info"}, {"fail-on": "warning"}
    assert effective(in_tmp_path).settings.fail_on is Settings().fail_on
    assert effective(in_tmp_path, file).settings.fail_on is Severity.ERROR
    assert effective(in_tmp_path, file, environment).settings.fail_on is Severity.INFO
    assert effective(in_tmp_path, file, environment, flags).settings.fail_on is Severity.WARNING


def test_every_source_is_named(in_tmp_path: Path) -> None:
    found = effective(
        in_tmp_path,
        'ignore = ["SKL305"]\n[rules.plain-depth]\nlimit = 30',
        {"SKIPLINT_IGNORE": "SKL204", "SKIPLINT_FAIL_ON": "error"},
        {"ignore": ["SKL205"]},
    )
    shown = {key: [str(origin) for origin in origins] for key, origins in found.origins.items()}
    assert shown == {
        "ignore": ["skiplint.toml", "SKIPLINT_IGNORE", "command line"],
        "fail-on": ["SKIPLINT_FAIL_ON"],
        "rules.plain-depth.limit": ["skiplint.toml"],
    }
    assert found.settings.ignore == ("SKL305", "SKL204", "SKL205")
    assert found.file == in_tmp_path / "skiplint.toml"


def test_select_is_the_whole_selection(in_tmp_path: Path) -> None:
    """``--select SKL205`` runs one rule, whatever a file ignores or adds."""
    found = effective(
        in_tmp_path, 'ignore = ["SKL2"]\nextend-select = ["SKL306"]', None, {"select": ["SKL205"]}
    )
    assert found.settings == Settings(select=("SKL205",))
    assert list(found.origins) == ["select"]


def test_tables_are_put_together() -> None:
    below = {"rules": {"plain-depth": {"limit": 30, "severity": "info"}}, "per-file-ignores": {"a": ["SKL2"]}}
    above = {"rules": {"plain-depth": {"limit": 5}, "dead-branch": {"severity": "error"}}}
    assert overlaid(below, above) == {
        "rules": {"plain-depth": {"limit": 5, "severity": "info"}, "dead-branch": {"severity": "error"}},
        "per-file-ignores": {"a": ["SKL2"]},
    }


def test_every_setting_has_a_variable() -> None:
    """A new setting needs no code here: its type says how its variable is read."""
    values = {"SKIPLINT_SELECT": "SKL2, plain-depth", "SKIPLINT_FAIL_ON": " error "}
    values["SKIPLINT_RULES"] = '{"plain-depth": {"limit": 7}}'
    values["SKIPLINT_MODELS"] = '[{"target": "m.py:Net"}]'
    assert environment_table(values) == {
        "fail-on": "error",
        "models": [{"target": "m.py:Net"}],
        "rules": {"plain-depth": {"limit": 7}},
        "select": ["SKL2", "plain-depth"],
    }
    assert variable_name("per-file-ignores") == "SKIPLINT_PER_FILE_IGNORES"
    for field in msgspec.structs.fields(Settings):
        assert environment_table({variable_name(field.encode_name): "  "}) == {}


def test_variables_of_others_are_left_alone() -> None:
    assert environment_table({"SKIPLINT_VERSION": "1", "PATH": "x", "SKIPLINT": "y"}) == {}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"SKIPLINT_SLECT": "SKL2"},
            "environment: SKIPLINT_SLECT: unknown variable, did you mean 'SKIPLINT_SELECT'?",
        ),
        ({"SKIPLINT_FAIL_ON": "never"}, "environment: SKIPLINT_FAIL_ON: invalid enum value 'never'"),
        (
            {"SKIPLINT_MODELS": "[{"},
            "environment: SKIPLINT_MODELS: is not valid JSON (Expecting property name",
        ),
        ({"SKIPLINT_IGNORE": "SKL999"}, "SKIPLINT_IGNORE: no rule matches 'SKL999'"),
        (
            {"SKIPLINT_RULES": '{"plain-depth": {"limi": 7}}'},
            "SKIPLINT_RULES: plain-depth.limi: plain-depth has no option 'limi', did you mean 'limit'?",
        ),
        ({"SKIPLINT_CONFIG": "gone.toml"}, "gone.toml: cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_names_the_variable(in_tmp_path: Path, variables: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        effective(in_tmp_path, "", variables)
    assert str(caught.value).startswith(message)


def test_a_mistake_in_the_file_is_the_files_own(in_tmp_path: Path) -> None:
    """A flag that hides it does not make it right."""
    with pytest.raises(ConfigError, match=r"^skiplint\.toml: ignore: no rule matches 'SKL999'"):
        effective(in_tmp_path, 'ignore = ["SKL999"]', None, {"select": ["SKL205"]})


def test_the_variable_names_the_file(in_tmp_path: Path) -> None:
    (in_tmp_path / "other.toml").write_text('fail-on = "error"')
    found = effective(in_tmp_path, 'fail-on = "info"', {"SKIPLINT_CONFIG": "other.toml"})
    assert found.settings.fail_on is Severity.ERROR
