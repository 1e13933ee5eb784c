"""What counts as traced where inputs are guessed and forward fails on them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from skiplint.run.request import Request
from skiplint.run.traced_way import traced_way
from skiplint.targets import ModelTarget, TargetError, resolve

NET = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d({channels}, 8, 3)

        def forward(self, x):
            return self.second(self.first(x{part}))
"""


def found_in(folder: Path, text: str) -> ModelTarget:
    path = folder / "model.py"
    path.write_text(textwrap.dedent(text))
    (target,) = resolve(str(path))
    assert isinstance(target, ModelTarget)
    return target


def test_a_mismatch_between_inputs_and_the_first_layer_is_a_wrong_guess(tmp_path: Path) -> None:
    target = found_in(tmp_path, NET.format(channels=8, part="[:, :2]"))
    with pytest.raises(TargetError, match="correct the model, or add"):
        traced_way(target, Request())


def test_a_mismatch_between_layers_of_the_model_is_not(tmp_path: Path) -> None:
    target = found_in(tmp_path, NET.format(channels=9, part=""))
    analysis, inputs = traced_way(target, Request())
    assert inputs.source == "inferred"
    assert [fault.kind for fault in analysis.graph.faults] == ["layer"]
