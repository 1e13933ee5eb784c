"""The README shows what really happens. Run ``pytest --update-readme`` to show it anew."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from skiplint.settings.settings import convert_settings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TRANSCRIPT = re.compile(r"```console\n\$ skiplint (?P<words>.*)\n(?P<output>(?:.*\n)*?)```\n")
SECONDS = re.compile(r"in \d+\.\d\d s")

Run = Callable[..., subprocess.CompletedProcess[str]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```\n", README.read_text(encoding="utf-8"), re.DOTALL)


def test_transcripts(tmp_path: Path, skiplint: Run, request: pytest.FixtureRequest) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "block.py").write_text(blocks("python")[0])
    text = README.read_text(encoding="utf-8")

    def really(match: re.Match[str]) -> str:
        output = SECONDS.sub("in 0.05 s", skiplint(*match["words"].split()).stdout)
        return f"```console\n$ skiplint {match['words']}\n{output}```\n"

    real = TRANSCRIPT.sub(really, text)
    assert real != TRANSCRIPT.sub("", text)
    if request.config.getoption("--update-readme"):
        README.write_text(real, encoding="utf-8")
    else:
        assert text == real


def test_two_set_up_commands() -> None:
    commands = [block.strip() for block in blocks("console") if not block.startswith("$")]
    assert commands == ["pip install . && skiplint examples/unet.py", "pip install -e '.[test]' && pytest"]


def test_ci_runs_the_second_command() -> None:
    (pattern,) = re.findall(
        r'grep -m 1 -x "(.*)" README\.md', (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    )
    found = subprocess.run(["grep", "-x", pattern, str(README)], capture_output=True, text=True, check=True)
    assert found.stdout == "pip install -e '.[test]' && pytest\n"


def test_the_configuration_is_right() -> None:
    tomllib = pytest.importorskip("tomllib")
    table = tomllib.loads(blocks("toml")[0])["tool"]["skiplint"]
    assert convert_settings(table).models[0].target == "nets/unet.py:UNet"
