"""Make an argument that stands for a whole configuration from the file's own configuration class.

``GPT(config)`` in a file with a dataclass ``GPTConfig`` whose fields all have defaults needs nothing more.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from skiplint.targets.snippets import missing_arguments

_ARGUMENT = re.compile(
    r"^(config|cfg|conf|args|params|hparams|hps?|opts?|options|settings)$|_(config|args|cfg)$"
)
_CLASS = re.compile(r"(Config|Configuration|Args|Arguments|Params|HParams|Options|Settings)$")


def option_classes(
    missing: Sequence[inspect.Parameter], module: ModuleType
) -> Mapping[str, type[Any]] | None:
    """A class for each missing argument that can be made without arguments; None unless all have one."""
    found = {parameter.name: _option_class(parameter, module) for parameter in missing}
    known = {name: option_class for name, option_class in found.items() if option_class is not None}
    positional = any(parameter.kind is parameter.POSITIONAL_ONLY for parameter in missing)
    return known if known and len(known) == len(found) and not positional else None


def _option_class(parameter: inspect.Parameter, module: ModuleType) -> type[Any] | None:
    annotation = parameter.annotation
    if isinstance(annotation, str):
        annotation = getattr(module, annotation, None)
    if inspect.isclass(annotation) and _CLASS.search(annotation.__name__) and _is_free(annotation):
        return annotation
    if not _ARGUMENT.search(parameter.name):
        return None
    own = [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value) and _CLASS.search(name) and value.__module__ == module.__name__
    ]
    free = [value for value in own if _is_free(value)]
    return free[0] if len(free) == 1 else None


def _is_free(option_class: type[Any]) -> bool:
    return missing_arguments(option_class) == []
