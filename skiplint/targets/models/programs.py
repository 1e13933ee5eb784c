"""Targets that are saved programs, which ``torch.export.save`` writes as ``.pt2`` files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from skiplint.sources.errors import describe
from skiplint.targets.failures import from_exception
from skiplint.targets.records import Arguments, ModelTarget, TargetError

SUFFIXES = (".pt2", ".pt", ".pth", ".ckpt", ".safetensors")
"""Files that hold programs or weights; only ``.pt2`` holds a program that can be read back as a graph."""


def program_target(location: str) -> ModelTarget:
    """The model of a saved program, with the example inputs that it was exported with.

    Raises:
        TargetError: the file holds weights only, or it cannot be loaded.
    """
    path = Path(location)
    if path.suffix != ".pt2":
        raise TargetError(
            f"{location} holds weights or a TorchScript archive, not an exported program; give the .py file "
            "of the model, or save it with torch.export.save(torch.export.export(model, inputs), 'model.pt2')"
        )

    @cache
    def program() -> Any:
        return _load(location)

    def example() -> Arguments:
        inputs = program().example_inputs
        return (tuple(inputs[0]), dict(inputs[1])) if inputs else ((), {})

    return ModelTarget(
        target=location,
        name=path.stem,
        path=location,
        line=None,
        build=lambda: program().module(),
        example=example,
    )


def _load(location: str) -> Any:
    import torch

    try:
        with torch.device("cpu"):
            return torch.export.load(location)
    except Exception as error:
        message = (
            f"{location}: cannot be loaded by torch.export.load: {describe(error)}; save it again with "
            f"torch.export.save in torch {torch.__version__}, or install the packages of its operators"
        )
        raise from_exception(message, error) from error
