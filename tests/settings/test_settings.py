"""Settings: where they are found, what they may say, and how a mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiplint.linting.finding import Severity
from skiplint.settings.settings import ConfigError, Settings, find_config, load_settings, search_start


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_of_a_pyproject(in_tmp_path: Path) -> None:
    path = write(
        in_tmp_path / "pyproject.toml",
        """
        [tool.skiplint]
        select = ["SKL2", "plain-depth"]
        extend-select = ["SKL601"]
        ignore = ["SKL204"]
        fail-on = "error"

        [tool.skiplint.per-file-ignores]
        "tests/*" = ["SKL3"]

        [tool.skiplint.rules.plain-depth]
        severity = "info"
        limit = 30

        [[tool.skiplint.models]]
        target = "nets.py:Net"
        kwargs = { depth = 18 }
        inputs = [["B", 3, "H", "W"]]
        """,
    )
    settings = load_settings(path)
    assert settings.select == ("SKL2", "plain-depth")
    assert settings.extend_select == ("SKL601",)
    assert settings.ignore == ("SKL204",)
    assert settings.fail_on is Severity.ERROR
    assert settings.per_file_ignores == {"tests/*": ("SKL3",)}
    assert settings.rules == {"plain-depth": {"severity": "info", "limit": 30}}
    assert settings.models[0].target == "nets.py:Net"


def test_an_own_file_needs_no_table_header(in_tmp_path: Path) -> None:
    path = write(in_tmp_path / "skiplint.toml", 'ignore = ["SKL305"]')
    assert load_settings(path) == Settings(ignore=("SKL305",))


def test_the_nearest_file_wins(tmp_path: Path) -> None:
    outer = write(tmp_path / "pyproject.toml", "[tool.skiplint]")
    inner = write(tmp_path / "a" / "skiplint.toml", "")
    (tmp_path / "a" / "b").mkdir()
    assert find_config(tmp_path / "a" / "b") == inner
    assert find_config(tmp_path) == outer


def test_an_own_file_goes_before_a_pyproject_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.skiplint]")
    own = write(tmp_path / "skiplint.toml", "")
    assert find_config(tmp_path) == own


def test_a_pyproject_of_other_tools_is_passed_over(tmp_path: Path) -> None:
    outer = write(tmp_path / "pyproject.toml", "[tool.skiplint]")
    write(tmp_path / "a" / "pyproject.toml", "[tool.other]")
    assert find_config(tmp_path / "a") == outer


def test_the_search_starts_at_the_targets(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.py", "")
    write(tmp_path / "a" / "b" / "two.py", "")
    assert search_start(["a/one.py"], tmp_path) == tmp_path / "a"
    assert search_start(["a/b/two.py:Net", "a/one.py"], tmp_path) == tmp_path / "a"
    assert search_start(["a/b"], tmp_path) == tmp_path / "a" / "b"
    assert search_start(["package.module:Net"], tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slect = []", "skiplint.toml: slect: unknown key, did you mean 'select'?"),
        ("fail_on = 'info'", "skiplint.toml: fail_on: unknown key, did you mean 'fail-on'?"),
        ("select = 'SKL1'", "skiplint.toml: select: expected `array`, got `str`"),
        ("ignore = [1]", "skiplint.toml: ignore[0]: expected `str`, got `int`"),
        ("fail-on = 'never'", "skiplint.toml: fail-on: invalid enum value 'never'"),
        (
            "[[models]]\ntarget = 'm.py:Net'\ninput = []",
            "skiplint.toml: models[0].input: unknown key, did you mean 'inputs'?",
        ),
        ("[[models]]\nargs = []", "skiplint.toml: models[0]: object missing required field `target`"),
    ],
)
def test_a_mistake_is_one_line_with_the_file_and_the_key(in_tmp_path: Path, text: str, message: str) -> None:
    path = write(in_tmp_path / "skiplint.toml", text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert str(caught.value) == message


def test_an_unknown_key_unlike_any_other_lists_them_all(in_tmp_path: Path) -> None:
    path = write(in_tmp_path / "skiplint.toml", "zzz = 1")
    with pytest.raises(ConfigError, match="known keys: select, extend-select, ignore"):
        load_settings(path)


def test_malformed_toml_names_the_file_and_the_line(in_tmp_path: Path) -> None:
    path = write(in_tmp_path / "pyproject.toml", "[tool.skiplint\nselect = []")
    with pytest.raises(ConfigError, match=r"^pyproject\.toml: is not valid TOML: .*line 1"):
        find_config(in_tmp_path)
    with pytest.raises(ConfigError):
        load_settings(path)


def test_a_missing_file(in_tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^gone\.toml: cannot be read: No such file"):
        load_settings(Path("gone.toml"))


def test_a_file_that_is_no_text(in_tmp_path: Path) -> None:
    (in_tmp_path / "skiplint.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not a text file in UTF-8"):
        load_settings(in_tmp_path / "skiplint.toml")


def test_skiplint_that_is_no_table(in_tmp_path: Path) -> None:
    write(in_tmp_path / "pyproject.toml", "[tool]\nskiplint = 1")
    with pytest.raises(ConfigError, match=r"tool\.skiplint: is not a table"):
        find_config(in_tmp_path)
