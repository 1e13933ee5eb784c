"""What a file imports, and which local files that comes to."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from skiplint.sources.imports import ImportScan, imports_in, imports_of, is_importable

TREE = {
    "main.py": "import torch\nfrom pkg.nets import unet\nimport side\n",
    "side.py": "def f():\n    from pkg import blocks\n",
    "pkg/__init__.py": "",
    "pkg/blocks.py": "from .nets.unet import UNet\nfrom . import extra\nfrom ..outside import x\n",
    "pkg/extra.py": "import pkg.nets\n",
    "pkg/nets/__init__.py": "from .unet import *\n",
    "pkg/nets/unet.py": "from ..extra import thing\n",
    "broken.py": "import side\ndef (:\n",
    "src/lib/__init__.py": "",
    "src/lib/mod.py": "from lib import other\n",
    "src/lib/other.py": "",
    "uses_src.py": "import lib.mod as m\n",
    "spaces/part.py": "",
    "uses_namespace.py": "from spaces import part\n",
    "pyproject.toml": "",
    "apps/chat/model.py": "import spaces.part\nfrom lib import mod\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (
            "main.py",
            "pkg/__init__.py pkg/blocks.py pkg/extra.py pkg/nets/__init__.py pkg/nets/unet.py side.py",
        ),
        ("pkg/nets/unet.py", "pkg/__init__.py pkg/extra.py pkg/nets/__init__.py"),
        ("broken.py", ""),
        ("uses_src.py", "src/lib/__init__.py src/lib/mod.py src/lib/other.py"),
        ("uses_namespace.py", "spaces/part.py"),
        (
            "apps/chat/model.py",
            "spaces/part.py src/lib/__init__.py src/lib/mod.py src/lib/other.py",
        ),
        ("gone.py", ""),
    ],
)
def test_reachable(tree: Path, start: str, found: str) -> None:
    files = ImportScan(tree).reachable([tree / start])
    assert sorted(path.relative_to(tree).as_posix() for path in files - {tree / start}) == found.split()


def test_the_file_of_a_module(tree: Path) -> None:
    scan = ImportScan(tree)
    assert scan.module_file("pkg.nets.unet") == tree / "pkg/nets/unet.py"
    assert scan.module_file("lib") == tree / "src/lib/__init__.py"
    assert scan.module_file("torch.nn") is None


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a.b as c, d.e\n", [("a.b", None, 0, "c"), ("d.e", None, 0, "d")]),
        ("from a import b as c\n", [("a", "b", 0, "c")]),
        ("from .. import a\nfrom .b import *\n", [("", "a", 2, "a"), ("b", "*", 1, "*")]),
        ("def f():\n    import late\n", [("late", None, 0, "late")]),
    ],
)
def test_import_statements(source: str, found: list[tuple[str, str | None, int, str]]) -> None:
    imports = [(each.module, each.name, each.level, each.bound) for each in imports_in(ast.parse(source))]
    assert imports == found


@pytest.mark.parametrize(
    ("source", "dynamic"),
    [
        ("import torch\n", False),
        ("from importlib import import_module\n", True),
        ("exec('import a')\n", True),
        ("def (:\n", True),
    ],
)
def test_other_ways_to_import_are_noticed(tmp_path: Path, source: str, dynamic: bool) -> None:
    (tmp_path / "net.py").write_text(source)
    assert imports_of(tmp_path / "net.py").dynamic is dynamic


def test_what_can_be_imported_is_told_without_doing_so() -> None:
    assert is_importable("torch.no.such.module")
    assert not is_importable("no_such_package")
    assert not is_importable("no such package")
