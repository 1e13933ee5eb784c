"""Which file of a project an import statement means, and what stands for things of common packages."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import Any

from skiplint.sources.import_roots import import_root
from skiplint.sources.imports import ImportScan, is_importable
from skiplint.targets.evaluation.containers import Settings
from skiplint.targets.evaluation.parsers import Parser, command_line_interface
from skiplint.targets.models.project import Project

STAND_INS: dict[str, Any] = {
    "argparse.ArgumentParser": Parser,
    "configargparse.ArgumentParser": Parser,
    "configargparse.ArgParser": Parser,
    "tyro.cli": command_line_interface,
    "easydict.EasyDict": Settings,
    "ml_collections.ConfigDict": Settings,
    "ml_collections.config_dict.ConfigDict": Settings,
    "ml_collections.FrozenConfigDict": Settings,
    "omegaconf.DictConfig": Settings,
    "addict.Dict": Settings,
    "munch.Munch": Settings,
    "box.Box": Settings,
    "yacs.config.CfgNode": Settings,
    "fvcore.common.config.CfgNode": Settings,
    "detectron2.config.CfgNode": Settings,
    "mmengine.ConfigDict": Settings,
    "mmcv.ConfigDict": Settings,
}
"""What is used in the place of a thing of a package, whether it is installed or not."""
MACHINE = frozenset(["sys.argv", "sys.platform", "os.environ", "os.getenv", "os.getcwd"])
"""What says something about the machine or the command line of skiplint itself, not about the project."""
_IMPORTABLE = frozenset(
    "torch torchvision timm numpy einops transformers monai omegaconf easydict ml_collections addict".split()
)
"""Packages that are imported if an expression needs something of them; others only if they already are."""


def project_file(project: Project, path: Path, module: str, level: int) -> Path | None:
    """The file of the project that the module ``module`` is, as the file ``path`` names it; None for none."""
    if level:
        folder = path.parents[level - 1] if level <= len(path.parents) else path.parent
        return _module_in(folder, module)
    scan = ImportScan(project.files.root)
    return scan.module_file(module, path) if module else None


def submodule(package: Path, name: str) -> Path | None:
    """The module ``name`` of the package whose ``__init__`` file is ``package``."""
    return _module_in(package.parent, name) if package.name == "__init__.py" else None


def _module_in(folder: Path, module: str) -> Path | None:
    place = folder.joinpath(*module.split(".")) if module else folder
    for file in (place / "__init__.py", place.with_suffix(".py") if module else place / "__init__.py"):
        if file.is_file():
            return file.resolve()
    return None


def is_foreign(project: Project, path: Path, module: str) -> bool:
    """Whether ``module`` is an installed package and no part of the project."""
    return bool(module) and project_file(project, path, module, 0) is None and is_importable(module)


class Package:
    """A package by name: its attributes are looked for among the stand-ins, then in the package."""

    def __init__(self, name: str) -> None:
        """Stand for the module ``name``; nothing is imported."""
        self.name = name

    def attribute(self, name: str) -> Any:
        """A thing of the package, or a package inside of it."""
        full = f"{self.name}.{name}"
        if STAND_INS.get(full) is not None:
            return STAND_INS[full]
        module = None if full in MACHINE else self.module()
        if module is not None and hasattr(module, name):
            found = getattr(module, name)
            return Package(full) if type(found) is type(sys) else found
        if any(known.startswith(full + ".") for known in STAND_INS) or _importable(full):
            return Package(full)
        raise AttributeError(full)

    def module(self) -> Any:
        """The imported module; None where it is not imported for an expression's sake."""
        if self.name in sys.modules:
            return sys.modules[self.name]
        return importlib.import_module(self.name) if _importable(self.name) else None


def _importable(name: str) -> bool:
    top = name.partition(".")[0]
    if top not in _IMPORTABLE and top not in sys.stdlib_module_names:
        return False
    try:
        importlib.import_module(name)
    except (ImportError, OSError):
        return False
    return True


def imported_names(node: ast.Import | ast.ImportFrom) -> list[tuple[str, str, str | None]]:
    """(bound name, module, name in it) of an import statement; no name for ``import module``."""
    if isinstance(node, ast.ImportFrom):
        return [(alias.asname or alias.name, node.module or "", alias.name) for alias in node.names]
    found: list[tuple[str, str, str | None]] = []
    for alias in node.names:
        top = alias.name.partition(".")[0]
        found.append((alias.asname or top, alias.name if alias.asname else top, None))
    return found


def live_module(path: Path) -> Any:
    """The imported module of a file; None where none is."""
    name = str(path)
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == name:
            return module
    return None


def import_quietly(path: Path) -> Any:
    """Import a module of the project by its dotted name; None where that fails."""
    parts = list(path.relative_to(import_root(path)).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    if not parts:
        return None
    try:
        module = importlib.import_module(".".join(parts))
    except (Exception, SystemExit):
        return None
    source = getattr(module, "__file__", None)
    return module if source is not None and Path(source).resolve() == path else None
