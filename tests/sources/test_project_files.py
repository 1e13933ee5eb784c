"""Which files a project has, and which of them mention a word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from skiplint.sources.project_files import ProjectFiles, project_root


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_nearest_folder_with_a_projects_files_is_its_root(tmp_path: Path) -> None:
    write(tmp_path, {"work/pyproject.toml": "", "work/src/nets/unet.py": "", "work/src/nets/__init__.py": ""})

    assert project_root(tmp_path / "work/src/nets/unet.py") == tmp_path / "work"


def test_without_a_projects_files_the_working_directory_is_the_root_of_what_it_contains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"here/nets/unet.py": "", "elsewhere/net.py": ""})
    monkeypatch.chdir(tmp_path / "here")

    assert project_root(tmp_path / "here/nets/unet.py") == tmp_path / "here"
    assert project_root(tmp_path / "elsewhere/net.py") == tmp_path / "elsewhere"


def test_a_package_of_the_standard_library_is_a_project_of_its_own() -> None:
    assert project_root(Path(json.__file__)) == Path(json.__file__).parent


def test_a_word_is_found_where_it_stands_as_a_whole(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "net.py": "class UNet: ...",
            "train.py": "model = UNet(3)",
            "other.py": "class UNetPlus: ...",
            "README.md": "Call `UNet(3)`.",
            "unet.yaml": "type: UNet",
            "demo.ipynb": '{"cells": [{"source": ["UNet(3)"]}]}',
            "weights.txt": "UNet",
        },
    )
    files = ProjectFiles(tmp_path)

    def names(*kinds: str) -> list[str]:
        return [path.name for path in files.mentioning("UNet", *kinds)]  # type: ignore[arg-type]

    assert names("python") == ["net.py", "train.py"]
    assert names("document", "config", "notebook") == ["README.md", "demo.ipynb", "unet.yaml"]


@pytest.mark.parametrize("folder", ["node_modules", ".venv", "build", "x.egg-info", "venv", "site-packages"])
def test_environments_and_builds_are_no_part_of_a_project(tmp_path: Path, folder: str) -> None:
    write(tmp_path, {"net.py": "UNet"})
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "copy.py").write_text("UNet")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/pyvenv.cfg").write_text("")
    (tmp_path / "mine/other.py").write_text("UNet")

    assert [path.name for path in ProjectFiles(tmp_path).of_kind("python")] == ["net.py"]


def test_files_that_hold_data_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"small.json": '{"dim": 64}', "large.json": '"' + "x" * 200_001 + '"'})

    assert [path.name for path in ProjectFiles(tmp_path).of_kind("config")] == ["small.json"]


def test_the_digest_of_a_word_changes_only_with_the_files_that_mention_it(tmp_path: Path) -> None:
    write(tmp_path, {"train.py": "UNet(3)", "other.py": "x = 1"})
    before = ProjectFiles(tmp_path).digest_of("UNet")

    write(tmp_path, {"other.py": "x = 2"})
    assert ProjectFiles(tmp_path).digest_of("UNet") == before
    write(tmp_path, {"other.py": "x = UNet(4)"})
    assert ProjectFiles(tmp_path).digest_of("UNet") != before
