"""A model that cannot be constructed: its parts that can are linted, and its entry names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from skiplint.linting.registry import Registry
from skiplint.run.examine import Examiner
from skiplint.run.gather import Gathering
from skiplint.run.outcome import Outcome, outcome_of
from skiplint.run.request import Request
from skiplint.run.workers import Item, Unit
from skiplint.settings.settings import Settings

SOURCE = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(dim, dim), nn.ReLU())

    def forward(self, x):
        return x + self.f(x)


class Encoder(nn.Module):
    def __init__(self, dim, depth):
        super().__init__()
        self.blocks = nn.ModuleList(Block(dim) for _ in range(depth))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Net(nn.Module):
    def __init__(self, licence):
        super().__init__()
        self.table = open("licences.txt").read()
        self.encoder = Encoder(32, 2)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.encoder(x))
"""


class Told:
    """Keeps the outcomes."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def found(self, items: Sequence[Item]) -> None:
        """Not needed."""

    def working(self, item: int, stage: str) -> None:
        """Not needed."""

    def made(self, item: int, result: Any) -> None:
        self.outcomes.append(result)

    def finished(self, result: Any) -> None:
        """Not needed."""


def examined(registry: Registry, path: Path) -> Gathering:
    gathering = Gathering(registry, Settings(select=("TST",)))
    request = Request()
    told = Told()
    examiner = Examiner(
        request, lambda analysis, report: outcome_of(analysis, report, gathering.rules, request)
    )
    examiner.examine(Unit(str(path)), told)
    for outcome in told.outcomes:
        gathering.add(outcome)
    return gathering


def test_the_largest_parts_are_linted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(SOURCE)
    models = examined(registry, Path("net.py")).report().models

    # Block is a part of Encoder, with which it has been linted.
    assert [(model.name, model.status) for model in models] == [("Net", "skipped"), ("Encoder", "traced")]
    reason = models[0].reason or ""
    assert reason.startswith("Net needs licence; guessed arguments fail (FileNotFoundError")
    assert reason.endswith("; linted instead: its parts Encoder")


def test_a_part_of_two_models_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    monkeypatch.chdir(tmp_path)
    twin = SOURCE[SOURCE.index("class Net") :].replace("class Net", "class Twin")
    Path("net.py").write_text(SOURCE + "\n\n" + twin)
    models = examined(registry, Path("net.py")).report().models

    assert [model.name for model in models] == ["Net", "Encoder", "Twin"]
    assert all(
        (model.reason or "").endswith("its parts Encoder") for model in models if model.name != "Encoder"
    )
