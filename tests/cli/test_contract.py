"""The input contract in what ``skiplint check`` prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from tests.conftest import Run

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
NETS = """\
import torch
import torch.nn.functional as F
from torch import nn


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, padding=1)
        self.up = nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x):
        skip = self.down(x)
        low = F.max_pool2d(skip, 4)
        return self.up(torch.cat([F.interpolate(low, scale_factor=4), skip], 1))


class Checked(UNet):
    def forward(self, x):
        if x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError("sizes must be multiples of 4")
        return super().forward(x)


class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return x + self.layer(x)
"""


def test_the_json_report_has_the_contract_of_every_model(skiplint: Run, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    report: dict[str, Any] = json.loads(skiplint("nets.py", "--output-format", "json").stdout)
    jsonschema.validate(report, SCHEMA)
    contracts = {model["name"]: model["input_contract"] for model in report["models"]}
    words = "height and width must be multiples of 4"
    assert {name: contract["text"] for name, contract in contracts.items()} == {
        "UNet": words,
        "Checked": words,
        "Padded": "any size",
    }
    height, width = contracts["UNet"]["sizes"]
    assert height["dimensions"] == [{"input": "x", "dim": 2}]
    assert (width["accepted"]["modulus"], width["accepted"]["residues"]) == (4, [0])
    (failure,) = contracts["UNet"]["failures"]
    assert failure["kind"] == "join"
    assert failure["inputs"] == [[1, 3, 225, 225]]
    assert failure["operands"] == [[1, 4, 224, 224], [1, 4, 225, 225]]
    assert failure["location"]["path"] == "nets.py"
    assert failure["location"]["line"] == 15
    assert [each["kind"] for each in contracts["Checked"]["failures"]] == ["check"]
    assert [finding["model"] for finding in report["findings"]] == ["nets.py:UNet"]


def test_the_console_shows_it_where_a_join_depends_on_it(skiplint: Run, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    shown = skiplint("nets.py").stdout
    assert shown.count("input sizes") == 1
    assert "height and width must be multiples of 4 (checked by" in shown
    assert "warning[SKL104 size-dependent-join]" in shown
