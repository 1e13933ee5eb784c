"""Small files and trial forwards for the tests of what to lint."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from skiplint.targets.records import FailedRun, Runs
from skiplint.tracing import needs_values
from skiplint.tracing.recording.trees import replace

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file into the working folder; torch and nn are imported in it."""
    monkeypatch.chdir(tmp_path)

    def make(name: str, source: str, *, imports: bool = True) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        header = (
            "import torch\nfrom torch import Tensor, nn\nfrom torch.nn import functional as F\n\n"
            if imports
            else ""
        )
        path.write_text(header + textwrap.dedent(source))
        return Path(name)

    return make


def trial(model: nn.Module) -> Runs:
    """A forward on the device of the model, as the tracer would try it."""
    device = next((parameter.device for parameter in model.parameters()), torch.device("meta"))

    def moved(value: Any) -> Any:
        return value.to(device) if isinstance(value, torch.Tensor) else value

    def runs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> FailedRun | None:
        try:
            with torch.no_grad(), torch.device(device):
                model(*replace(args, moved), **replace(kwargs, moved))
        except Exception as error:
            return FailedRun(error, needs_values(error))
        return None

    return runs
