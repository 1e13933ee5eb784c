"""What a rule says of the graph becomes an edit of the call in the source."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from skiplint.graph import Location, ModelGraph
from skiplint.linting.fixes import call_edit, module_edit
from skiplint.targets import build, resolve
from skiplint.tracing import trace

SOURCE = """\
import torch
import torch.nn.functional as F
from torch import nn


def activation():
    return nn.ReLU(inplace=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.act = activation()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))

    def forward(self, x):
        y = self.act(self.layers[0](x))
        y = F.leaky_relu(self.layers[1](y), 0.1, True)
        return torch.cat([x, y], 1)
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> ModelGraph:
    file = tmp_path_factory.mktemp("net") / "net.py"
    file.write_text(SOURCE)
    (target,) = resolve(str(file))
    return trace(build(target).model, torch.randn(2, 8))


def line(edit_location: Location) -> str:
    return SOURCE.splitlines()[edit_location.line - 1][(edit_location.column or 1) - 1 :]


def test_a_module_is_edited_where_it_is_built(graph: ModelGraph) -> None:
    edit = module_edit(graph, "layers.1", "in_features", 16)
    assert edit is not None
    assert line(edit.location).startswith("nn.Linear(8, 8)")
    assert (edit.callee, edit.position, edit.value) == ("Linear", 0, "16")


def test_an_in_place_module_from_a_function_is_edited_there(graph: ModelGraph) -> None:
    edit = module_edit(graph, "act", "inplace", value=False)
    assert edit is not None
    assert line(edit.location) == "nn.ReLU(inplace=True)"
    assert (edit.argument, edit.position, edit.value) == ("inplace", 0, "False")


def test_a_call_of_a_function_is_edited_in_place(graph: ModelGraph) -> None:
    (operation,) = graph.named("leaky_relu")
    edit = call_edit(operation, "inplace", value=False)
    assert edit is not None
    assert line(edit.location).startswith("F.leaky_relu(")
    assert (edit.callee, edit.argument, edit.position) == ("leaky_relu", "inplace", 2)
    (join,) = graph.named("cat")
    edit = call_edit(join, "dim", -1)
    assert edit is not None
    assert (edit.position, edit.value) == (1, "-1")


def test_copies_of_a_layer_lead_to_the_original_and_torchs_own_calls_to_nothing(graph: ModelGraph) -> None:
    assert module_edit(graph, "encoder.layers.1.linear1", "in_features", 4) is None, "built inside torch"
    edit = module_edit(graph, "encoder.layers.1", "nhead", 4)
    assert edit is not None
    assert line(edit.location) == "nn.TransformerEncoderLayer(8, 2)"


def test_a_model_that_skiplint_did_not_build_has_no_edits() -> None:
    model = torch.nn.Sequential(torch.nn.ReLU(inplace=True))
    assert module_edit(trace(model, torch.randn(2)), "0", "inplace", value=False) is None


def test_an_installed_package_is_never_edited(graph: ModelGraph) -> None:
    module = graph.modules["act"]
    elsewhere = Location("/usr/lib/python3/site-packages/nets/block.py", 7, 12)
    modules = {**graph.modules, "act": dataclasses.replace(module, built_at=elsewhere)}
    assert module_edit(dataclasses.replace(graph, modules=modules), "act", "inplace", value=False) is None
