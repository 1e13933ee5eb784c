"""What a model holds while it is run without values."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skiplint.graph import Backend
from skiplint.tracing.execution.backends import prepared


@pytest.mark.parametrize("backend", ["meta", "fake"])
def test_weights_stay_parameters_that_get_gradients_or_not(backend: Backend) -> None:
    model = nn.Linear(3, 2)
    model.bias.requires_grad_(False)
    before = model.weight
    with prepared(backend, model, (torch.zeros(1, 3),), {}, grad=True) as (ready, args, kwargs):
        assert isinstance(ready.weight, nn.Parameter)
        assert ready.weight is not before
        assert ready.weight.is_leaf
        assert [each.requires_grad for each in ready.parameters()] == [True, False]
        ready(*args, **kwargs).sum().backward()
        assert ready.weight.grad is not None
        assert ready.weight.grad.shape == (2, 3)
    assert model.weight is before
    assert before.grad is None
