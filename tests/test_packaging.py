"""The wheel: everything in it, nothing else, and it can be imported from where it is unpacked."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy so that no build folder is left in the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("skiplint", "rules"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_list_of_packages_is_the_tree() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "packages"
    ]
    folders = {path.parent.relative_to(ROOT) for path in ROOT.glob("skiplint/**/*.py")}
    folders |= {
        Path("skiplint_rules") / path.parent.relative_to(ROOT / "rules")
        for path in ROOT.glob("rules/**/*.py")
    }
    assert sorted(listed) == sorted(".".join(folder.parts) for folder in folders)


def test_every_package_has_an_init() -> None:
    folders = {path.parent for top in ("skiplint", "rules") for path in (ROOT / top).glob("**/*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_wheel_holds_every_module_and_nothing_else(unpacked: Path) -> None:
    inside = {
        path.relative_to(unpacked).as_posix()
        for path in unpacked.rglob("*")
        if path.is_file() and ".dist-info" not in str(path)
    }
    sources = [*ROOT.glob("skiplint/**/*.py"), *ROOT.glob("skiplint/**/*.j2")]
    wanted = {path.relative_to(ROOT).as_posix() for path in sources}
    wanted |= {
        f"skiplint_rules/{path.relative_to(ROOT / 'rules').as_posix()}" for path in ROOT.glob("rules/**/*.py")
    }
    assert inside == wanted | {"skiplint/py.typed", "skiplint_rules/py.typed"}


def test_the_wheel_claims_two_import_names(unpacked: Path) -> None:
    tops = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"skiplint", "skiplint_rules"}


def test_the_wheel_works_where_it_is_unpacked(unpacked: Path) -> None:
    code = (
        "import skiplint, skiplint_rules\n"
        "from skiplint.linting.registry import load_registry\n"
        f"assert skiplint.__file__.startswith({str(unpacked)!r}), skiplint.__file__\n"
        f"assert skiplint_rules.__file__.startswith({str(unpacked)!r}), skiplint_rules.__file__\n"
        "registry = load_registry()\n"
        "assert not registry.failures, registry.failures\n"
        "assert registry.find('SKL205').__module__ == 'skiplint_rules.degenerate_skip'\n"
        "print(skiplint.__version__)\n"
    )
    # PYTHONPATH stands before an editable install's finder, so the unpacked modules are the ones found.
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=unpacked,
        env={"PYTHONPATH": str(unpacked), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"-{done.stdout.strip()}-" in next(unpacked.glob("*.dist-info")).name.replace(".dist-info", "-")


def test_rules_is_no_import_name() -> None:
    assert importlib.util.find_spec("rules") is None
    assert importlib.util.find_spec("skiplint_rules") is not None
