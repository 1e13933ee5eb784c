"""``analysis.of(provider)``: computed once, shared, and never in a circle."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import nn

import skiplint
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.provider import CircularAnalysisError, TracedModel
from skiplint.analysis.skips import Skips


@pytest.fixture
def analysis() -> Analysis:
    return skiplint.analyze(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)), torch.rand(1, 4))


class Layers(list[str]):
    """The ids of the weighted layers."""

    @classmethod
    def compute(cls, analysis: TracedModel) -> Layers:
        return cls(operation.id for operation in analysis.graph if operation.weighted)


@dataclass(frozen=True)
class WiderThan:
    """How many weighted layers give more features than ``limit``."""

    limit: int

    def compute(self, analysis: TracedModel) -> list[str]:
        by_id = analysis.graph.by_id
        return [each for each in analysis.of(Layers) if by_id[each].outputs[0].shape[-1] > self.limit]


def test_a_provider_runs_once(analysis: Analysis) -> None:
    layers = analysis.of(Layers)
    assert layers == ["0", "2"]
    assert analysis.of(Layers) is layers


def test_each_analysis_has_its_own_results(analysis: Analysis) -> None:
    other = Analysis(analysis.graph)
    assert other.of(Layers) == analysis.of(Layers)
    assert other.of(Layers) is not analysis.of(Layers)


def test_equal_options_share_a_result(analysis: Analysis) -> None:
    assert analysis.of(WiderThan(3)) == ["0"]
    assert analysis.of(WiderThan(3)) is analysis.of(WiderThan(3))
    assert analysis.of(WiderThan(1)) == ["0", "2"]


def test_names_are_short_for_providers(analysis: Analysis) -> None:
    assert not analysis.has(Skips)
    assert analysis.skips is analysis.of(Skips)
    assert analysis.has(Skips)


class Hen:
    @staticmethod
    def compute(analysis: TracedModel) -> int:
        return analysis.of(Egg(2)) + 1


@dataclass(frozen=True)
class Egg:
    number: int

    def compute(self, analysis: TracedModel) -> int:
        return analysis.of(Hen) + self.number


def test_a_circle_is_named(analysis: Analysis) -> None:
    with pytest.raises(CircularAnalysisError) as raised:
        analysis.of(Hen)
    assert str(raised.value) == "circular: Hen, which needs Egg(number=2), which needs Hen"


class Flaky:
    @staticmethod
    def compute(analysis: TracedModel) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("not yet")
        return len(tries)


tries: list[int] = []


def test_an_exception_is_not_kept(analysis: Analysis) -> None:
    with pytest.raises(ValueError, match="not yet"):
        analysis.of(Flaky)
    assert not analysis.has(Flaky)
    assert analysis.of(Flaky) == 2


def test_the_other_mode_is_an_analysis_too() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).eval()
    other = skiplint.analyze(model, torch.rand(1, 4)).other_mode
    assert isinstance(other, Analysis)
    assert other.graph.training
    assert other.skips == ()
