"""What a run makes of a forward: failing calls of the file, chance, values."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from skiplint.analysis.analysis import Analysis
from skiplint.run.request import Request
from skiplint.run.traced_way import traced_way
from skiplint.targets import ExampleInputs, ModelTarget, resolve

Traced = Callable[[str], tuple[Analysis, ExampleInputs]]


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    """Trace the one model of a file with this text."""

    def make(text: str) -> tuple[Analysis, ExampleInputs]:
        path = tmp_path / "model.py"
        path.write_text("import random\nimport torch\nfrom torch import nn\n\n" + textwrap.dedent(text))
        (target,) = resolve(str(path))
        assert isinstance(target, ModelTarget)
        return traced_way(target, Request())

    return make


HALVED = """
    class Net(nn.Module):
        def __init__(self, channels=3):
            super().__init__()
            self.down, self.up = nn.Conv2d(channels, 8, 3, 2, 1), nn.ConvTranspose2d(8, 8, 2, 2)

        def forward(self, image):
            return torch.cat([image, self.up(self.down(image))], 1)


    if __name__ == "__main__":
        net = Net({arguments})
        net(torch.rand({shape}))
"""


def test_a_call_of_the_file_that_fails_is_traced_at_its_size(traced: Traced) -> None:
    analysis, inputs = traced(HALVED.format(arguments="", shape="1, 3, 101, 101"))
    assert analysis.graph.inputs[0].spec.shape == (1, 3, 101, 101)
    assert [fault.kind for fault in analysis.graph.faults] == ["join"]
    assert inputs.why.startswith("your call in line 17 fails: RuntimeError")


def test_a_failing_call_of_a_model_that_is_built_otherwise_is_only_noted(traced: Traced) -> None:
    analysis, inputs = traced(HALVED.format(arguments="channels=5", shape="1, 5, 64, 64"))
    assert not analysis.graph.faults
    assert analysis.graph.inputs[0].spec.shape == (1, 3, 224, 224)
    assert any("your call in line 17 fails" in note for note in inputs.notes)


CHANCE = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(20))

        def forward(self, x):
            for layer in self.layers:
                if random.random() < 0.5 or torch.rand(1, device="cpu").item() < 0.1:
                    x = x + layer(x)
            return x
"""


def test_a_forward_with_chance_in_it_is_the_same_every_time(traced: Traced) -> None:
    names = []
    for seed in (1, 2, 3):
        random.seed(seed)
        torch.manual_seed(seed)
        before = random.getstate(), torch.get_rng_state()
        names.append([operation.id for operation in traced(CHANCE)[0].graph])
        assert random.getstate() == before[0]
        assert torch.equal(torch.get_rng_state(), before[1])
    assert names[0] == names[1] == names[2]


VALUES = {
    "item": "x = self.fc(x)\n    return x * x.sum().item()",
    "nonzero": "x = self.fc(x)\n    return x[torch.nonzero(x.abs().sum(-1))[:, 0]]",
    "mask": "x = self.fc(x)\n    return self.fc(x[x.sum(-1) > -1e9])",
    "branch": "x = self.fc(x)\n    return -x if x.sum() > 0 else x",
    "quantizer": "codes = torch.cdist(x, self.fc.weight).argmin(-1)\n"
    "    used = codes.unique().numel()\n    return self.fc.weight[codes] * used",
}


@pytest.mark.parametrize("body", VALUES.values(), ids=VALUES)
def test_a_forward_that_asks_for_values_is_run_with_values(traced: Traced, body: str) -> None:
    lines = textwrap.indent("\n".join(line.strip() for line in body.splitlines()), " " * 12)
    analysis, inputs = traced(f"""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
{lines}
    """)
    assert analysis.graph.backend in ("fake", "eager")
    assert inputs.source == "inferred"
    assert inputs.args[0].shape[-1] == 8
