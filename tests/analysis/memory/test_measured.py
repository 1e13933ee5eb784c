"""The estimates of memory against what real runs on the CPU take."""

from __future__ import annotations

import pytest
import torch

from skiplint import analyze
from tests.analysis.memory.memory_measuring import MODELS, MeasuredModel, peak_bytes, saved_bytes

pytestmark = pytest.mark.filterwarnings("ignore")  # what the model packages deprecate

SAVED_TOLERANCE, PEAK_TOLERANCE = 0.02, 0.05


def _cases() -> list[object]:
    return [
        pytest.param(model, id=model.id, marks=() if model.quick else pytest.mark.zoo) for model in MODELS
    ]


@pytest.mark.parametrize("measured", _cases())
def test_saved_for_backward(measured: MeasuredModel) -> None:
    model, args, kwargs = measured.build()
    model.train()
    torch.manual_seed(1)  # stochastic depth drops the same blocks in both runs
    estimated = analyze(model, *args, **kwargs).memory.saved
    torch.manual_seed(1)
    assert estimated.nbytes == pytest.approx(saved_bytes(model, args, kwargs), rel=SAVED_TOLERANCE)
    assert not estimated.assumed


@pytest.mark.parametrize("measured", _cases())
def test_saved_for_backward_of_a_model_in_evaluation_mode(measured: MeasuredModel) -> None:
    """What ``skiplint check`` reports: the figure is that of training, whatever the mode of the trace."""
    model, args, kwargs = measured.build()
    torch.manual_seed(1)
    estimated = analyze(model.eval(), *args, **kwargs).memory.saved.nbytes
    torch.manual_seed(1)
    assert estimated == pytest.approx(saved_bytes(model, args, kwargs), rel=SAVED_TOLERANCE)


@pytest.mark.parametrize("measured", _cases())
def test_peak_in_inference(measured: MeasuredModel) -> None:
    model, args, kwargs = measured.build()
    estimated = analyze(model.eval(), *args, **kwargs).memory.peak.nbytes
    real = peak_bytes(model, args, kwargs)
    assert estimated == pytest.approx(real, rel=PEAK_TOLERANCE)


def test_enough_models() -> None:
    assert len(MODELS) >= 40
    assert 8 <= sum(model.quick for model in MODELS) <= 10
