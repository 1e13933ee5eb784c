"""What to lint: from what the user types to models and example inputs.

:func:`resolve` finds models, :func:`constructions` the ways to construct each, :func:`build` makes one,
:func:`find_inputs` finds inputs on which it runs.
"""

from skiplint.targets.arguments.ways import constructions
from skiplint.targets.building.arguments import arguments_of
from skiplint.targets.building.building import build
from skiplint.targets.inputs.find import find_inputs
from skiplint.targets.models.folders import folder_files, python_files
from skiplint.targets.models.largest_parts import parts_of
from skiplint.targets.models.project import Project, Projects
from skiplint.targets.models.resolving import resolve, resolve_member
from skiplint.targets.models.wanted import split_target
from skiplint.targets.records import (
    BuiltModel,
    ExampleInputs,
    InputSource,
    ModelConfig,
    ModelTarget,
    SkippedTarget,
    TargetError,
)

__all__ = [
    "BuiltModel",
    "ExampleInputs",
    "InputSource",
    "ModelConfig",
    "ModelTarget",
    "Project",
    "Projects",
    "SkippedTarget",
    "TargetError",
    "arguments_of",
    "build",
    "constructions",
    "find_inputs",
    "folder_files",
    "parts_of",
    "python_files",
    "resolve",
    "resolve_member",
    "split_target",
]
