"""CONTRIBUTING.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
FOLDERS = r"(?:skiplint|rules|tests|docs|benchmarks|examples|\.ci)"
PATHS = sorted(
    {
        *re.findall(rf"\b{FOLDERS}/[\w./-]*\w/?", TEXT),
        *re.findall(r"\.ci/run\b", TEXT),
        *re.findall(r"\]\((?!http)([^)#]+)\)", TEXT),
        *re.findall(r"`(\w+\.(?:md|toml))`", TEXT),
    }
    - {"rules/NAME.py"}
)


@pytest.mark.parametrize("path", PATHS)
def test_paths_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_room_is_on_the_map() -> None:
    rooms = {path.parent.name for path in (ROOT / "skiplint").glob("*/__init__.py")}
    assert rooms == set(re.findall(r"^\| `skiplint/(\w+)/` \|", TEXT, re.MULTILINE))
    assert rooms <= set(re.findall(r"<b>(\w+)</b>", TEXT))
