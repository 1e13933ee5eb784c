"""How often a model is run for its contract, counted: the same on every machine."""

from __future__ import annotations

from queue import SimpleQueue

import pytest
import torch
import torch.nn.functional as F
from skiplint_rules.size_dependent_join import SizeDependentJoin
from torch import Tensor, nn

from skiplint import Analysis
from skiplint.analysis.contract import probing
from skiplint.analysis.contract.contract import contract_in_words
from skiplint.tracing import Subject, trace

LOG: SimpleQueue[tuple[int, ...]] = SimpleQueue()
"""The shapes at which the model was called; a list would be put back after every call."""


def logged() -> list[tuple[int, ...]]:
    """What is new in the log."""
    return [LOG.get() for _ in range(LOG.qsize())]


class UNet(nn.Module):
    """One level; notes every call."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        LOG.put(tuple(x.shape))
        skip = self.down(x)
        return self.up(torch.cat([F.interpolate(F.max_pool2d(skip, 2), scale_factor=2), skip], 1))


@pytest.fixture
def analysis() -> Analysis:
    inputs = (torch.zeros(1, 3, 32, 32),)
    found = Analysis(trace(UNet(), *inputs), Subject(UNet(), inputs, {}))
    logged()
    return found


def allow(monkeypatch: pytest.MonkeyPatch, analysis: Analysis, forwards: int) -> None:
    monkeypatch.setattr(probing, "CALLS", forwards * len(analysis.graph))


def test_no_shapes_are_run_twice_but_to_trace_them(analysis: Analysis) -> None:
    assert list(SizeDependentJoin().check(analysis))
    assert analysis.contract is not None
    traced = len(analysis.contract.failures)
    log = logged()
    assert len(log) == len(set(log)) + traced
    assert len(log) == analysis.contract.probes + traced
    assert len(log) < 60


def test_of_a_model_that_is_too_large_nothing_is_run(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, analysis, 11)
    assert not list(SizeDependentJoin().check(analysis))
    assert analysis.contract is None
    assert logged() == []


@pytest.mark.parametrize("forwards", range(12, 64, 3))
def test_never_more_than_there_is_to_spend_and_nothing_false(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch, forwards: int
) -> None:
    allow(monkeypatch, analysis, forwards)
    contract = analysis.contract
    assert len(logged()) <= forwards
    if contract is not None:
        assert contract_in_words(contract).startswith("height and width must be even")
        assert {each.kind for each in contract.failures} <= {"join", "other"}
        assert contract.independent or "with the others as in the example" in contract_in_words(contract)
