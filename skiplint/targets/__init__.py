"""What to lint: from what the user types to models and example inputs.

:func:`resolve` finds models, :func:`build` makes one, :func:`find_inputs` finds inputs on which it runs.
"""

from skiplint.targets.building.building import build
from skiplint.targets.inputs.find import find_inputs
from skiplint.targets.models.folders import folder_files, parts_elsewhere, python_files
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
    "SkippedTarget",
    "TargetError",
    "build",
    "find_inputs",
    "folder_files",
    "parts_elsewhere",
    "python_files",
    "resolve",
    "resolve_member",
    "split_target",
]
