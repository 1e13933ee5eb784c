"""What to lint: from what the user types to models and example inputs.

:func:`resolve` finds models, :func:`constructions` the ways to construct each, :func:`build` makes one,
:func:`find_inputs` finds inputs on which it runs. Names are loaded when they are first asked for: a run from
the cache needs few of them, and none that imports torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skiplint.targets.arguments.ways import constructions as constructions
    from skiplint.targets.building.arguments import arguments_of as arguments_of
    from skiplint.targets.building.building import build as build
    from skiplint.targets.inputs.find import find_inputs as find_inputs
    from skiplint.targets.models.folders import folder_files as folder_files
    from skiplint.targets.models.folders import python_files as python_files
    from skiplint.targets.models.largest_parts import parts_of as parts_of
    from skiplint.targets.models.project import Project as Project
    from skiplint.targets.models.project import Projects as Projects
    from skiplint.targets.models.resolving import resolve as resolve
    from skiplint.targets.models.resolving import resolve_member as resolve_member
    from skiplint.targets.models.wanted import split_target as split_target
    from skiplint.targets.records import BuiltModel as BuiltModel
    from skiplint.targets.records import ExampleInputs as ExampleInputs
    from skiplint.targets.records import InputSource as InputSource
    from skiplint.targets.records import ModelConfig as ModelConfig
    from skiplint.targets.records import ModelTarget as ModelTarget
    from skiplint.targets.records import NotAModelError as NotAModelError
    from skiplint.targets.records import SkippedTarget as SkippedTarget
    from skiplint.targets.records import TargetError as TargetError

_HOMES = {
    "BuiltModel": "records",
    "ExampleInputs": "records",
    "InputSource": "records",
    "ModelConfig": "records",
    "ModelTarget": "records",
    "NotAModelError": "records",
    "Project": "models.project",
    "Projects": "models.project",
    "SkippedTarget": "records",
    "TargetError": "records",
    "arguments_of": "building.arguments",
    "build": "building.building",
    "constructions": "arguments.ways",
    "find_inputs": "inputs.find",
    "folder_files": "models.folders",
    "parts_of": "models.largest_parts",
    "python_files": "models.folders",
    "resolve": "models.resolving",
    "resolve_member": "models.resolving",
    "split_target": "models.wanted",
}

__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
