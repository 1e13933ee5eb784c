"""Imports run one way: the contracts in pyproject.toml hold, and no circle hides anywhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import networkx
import pytest

ROOT = Path(__file__).parents[1]
DOORS = {"__init__", "__main__", "api", "graph", "progress", "rules_api", "testing", "version"}
"""What stands at the top of ``skiplint/`` beside the rooms: the entry points, and what every room needs."""


def test_import_contracts() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_module_lies_loose() -> None:
    assert {path.stem for path in ROOT.glob("skiplint/*.py")} == DOORS


def test_no_circles() -> None:
    """Imports in functions and under ``TYPE_CHECKING`` count too: the reader has to follow them as well."""
    graph = grimp.build_graph(
        "skiplint", "skiplint_rules", exclude_type_checking_imports=False, cache_dir=None
    )
    imports = networkx.DiGraph(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )
    circles = [circle for circle in networkx.strongly_connected_components(imports) if len(circle) > 1]
    assert [sorted(circle) for circle in circles] == []


def imported_from_skiplint(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "skiplint")
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name} imports from beside it"
            if node.module is not None and node.module.split(".")[0] == "skiplint":
                yield node.module


@pytest.mark.parametrize("path", [*ROOT.glob("rules/*.py")], ids=lambda p: p.stem)
def test_rules_use_what_everybody_has(path: Path) -> None:
    """The contract says so of skiplint's parts; this also forbids ``from skiplint import ...``."""
    assert set(imported_from_skiplint(path)) <= {"skiplint.rules_api"}


@pytest.mark.parametrize(
    "path", [*ROOT.glob("skiplint/**/*.py"), *ROOT.glob("rules/*.py")], ids=lambda p: p.stem
)
def test_modules_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_module_for_everything() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert vague.isdisjoint(path.stem for path in ROOT.glob("skiplint/**/*.py"))
