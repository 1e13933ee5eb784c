"""Weights that constructors load are left out, and the model says so."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skiplint.targets import build
from tests.targets.conftest import Write
from tests.targets.environment.test_missing_imports import fails
from tests.targets.environment.test_partial_execution import models


def notes(path: object) -> tuple[str, ...]:
    (target,) = models(str(path)).values()
    found = build(target)
    assert isinstance(found.model, nn.Module)
    return found.notes


CLASS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.load()

    def forward(self, x):
        return x + self.fc(x)

    def load(self):
"""


STRIPPED = """
state = torch.load('a/gone.pt', map_location='cuda')['model']
self.load_state_dict({k[7:]: v for k, v in state.items()}, strict=True)
"""
URL = """
from torch.hub import load_state_dict_from_url
self.load_state_dict(load_state_dict_from_url('https://example.org/w.pt'))
"""
ZOO = """
from torch.utils import model_zoo
self.load_state_dict(model_zoo.load_url('https://example.org/w.pt'))
"""
WHOLE = "self.load_state_dict(torch.load('gone.pt').state_dict(), strict=False)"


@pytest.mark.parametrize(
    ("load", "note"),
    [
        ("self.load_state_dict(torch.load('gone.pt'))", "weights of gone.pt left out"),
        (STRIPPED, "weights of a/gone.pt left out"),
        (URL, "weights from https://example.org/w.pt left out"),
        (ZOO, "weights from https://example.org/w.pt left out"),
        (WHOLE, "weights of gone.pt left out"),
    ],
)
def test_what_is_loaded_is_left_out(write: Write, load: str, note: str) -> None:
    body = "".join(f"        {line}\n" for line in load.splitlines())
    assert notes(write("model.py", CLASS + body)) == (note,)


def test_a_function_that_was_imported_under_another_name(write: Write) -> None:
    path = write(
        "model.py",
        "from torch.utils.model_zoo import load_url as fetch\n"
        + CLASS
        + "        self.load_state_dict(fetch('https://example.org/w.pt'))\n",
    )
    assert notes(path) == ("weights from https://example.org/w.pt left out",)


def test_safetensors(write: Write) -> None:
    pytest.importorskip("safetensors.torch")
    path = write(
        "model.py",
        "from safetensors.torch import load_file\n"
        + CLASS
        + "        self.load_state_dict(load_file('gone.safetensors'))\n",
    )
    assert notes(path) == ("weights of gone.safetensors left out",)


def test_a_model_without_weights_to_load_has_no_note(write: Write) -> None:
    assert notes(write("model.py", CLASS + "        pass\n")) == ()


def test_a_constructor_that_looks_into_a_file_that_is_there(write: Write) -> None:
    torch.save({"width": 6}, write("size.pt", ""))
    path = write(
        "model.py",
        """
        class Net(nn.Linear):
            def __init__(self):
                width = torch.load("size.pt")["width"]
                super().__init__(int(width), 2)
        """,
    )
    (target,) = models(path).values()
    assert build(target).model.in_features == 6


def test_copies_of_weights_are_made(write: Write) -> None:
    """A target network starts as a copy of the network: with real weights that is what it is."""
    path = write(
        "model.py",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.online, self.target = nn.Linear(2, 2), nn.Linear(2, 2)
                self.target.load_state_dict(self.online.state_dict())

            def forward(self, x):
                return self.online(x) - self.target(x)
        """,
    )
    (target,) = models(path).values()
    model = build(target, device="cpu").model
    assert torch.equal(model.online.weight, model.target.weight)
    assert build(target).notes == ()


def test_models_of_a_hub_are_named(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.backbone = torch.hub.load("someone/repository", "backbone_s")

            def forward(self, x):
                return self.backbone(x)
        """,
    )
    assert (
        "backbone_s of torch.hub (someone/repository) is used at model.py:9, but nothing is fetched"
        in fails(models(path)["Net"])
    )


def test_models_of_transformers_are_built_from_their_configuration(write: Write) -> None:
    pytest.importorskip("transformers")
    path = write(
        "model.py",
        """
        from transformers import AutoModel, BertModel

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.bert = BertModel.from_pretrained("bert-base-uncased", hidden_dropout_prob=0.0)
                self.auto = AutoModel.from_pretrained("google/vit-base-patch16-224")

            def forward(self, x):
                return self.bert(x)
        """,
    )
    (target,) = models(path).values()
    found = build(target)
    assert found.device == "meta"
    assert found.model.bert.config.hidden_size == 768
    assert found.model.bert.config.hidden_dropout_prob == 0.0
    assert type(found.model.auto).__name__ == "ViTModel"
    assert "weights of bert-base-uncased left out" in found.notes
    assert any("the default of ViTConfig stands for it" in note for note in found.notes)


def test_pretrained_backbones(write: Write) -> None:
    pytest.importorskip("torchvision")
    path = write(
        "model.py",
        """
        from torchvision.models import resnet18

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.backbone = resnet18(weights="DEFAULT")

            def forward(self, x):
                return self.backbone(x)
        """,
    )
    (note,) = notes(path)
    assert note.startswith("weights from https://download.pytorch.org/models/resnet18")
