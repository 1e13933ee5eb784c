"""The live model may be run again in any way, and stays as it was."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from skiplint.tracing import Subject, SubjectError, TraceError


class Auxiliary(nn.Module):
    """Has a head that only training runs, a norm with buffers, and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.head = nn.Linear(4, 2)
        self.auxiliary = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.body(x)
        return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)


def test_a_trace_in_the_other_mode_leaves_the_model_in_its_own() -> None:
    model = Auxiliary().eval()
    model.body[2].train()
    subject = Subject(model, (torch.randn(3, 4),), {})
    assert "auxiliary" in subject.trace(training=True).by_id
    assert "auxiliary" not in subject.trace().by_id
    assert not model.training
    assert model.body[2].training


def test_a_trace_at_another_size_that_does_not_fit_says_so() -> None:
    subject = Subject(Auxiliary(), (torch.randn(3, 4),), {})
    assert subject.trace(args=(torch.randn(7, 4),)).inputs[0].spec.shape == (7, 4)
    with pytest.raises(TraceError):
        subject.trace(args=(torch.randn(7, 5),))


def test_a_run_on_real_values_changes_nothing_of_the_model() -> None:
    model = Auxiliary().eval()
    model.head.weight.grad = kept = torch.ones(2, 4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    inputs = (torch.randn(3, 4),)
    state = torch.random.get_rng_state()
    with Subject(model, inputs, {}).running(training=True) as (ready, args, kwargs):
        output, _ = ready(*args, **kwargs)
        output.sum().backward()
        assert ready.body[0].weight.grad is not None
    assert model.head.weight.grad is kept
    assert model.body[0].weight.grad is None
    assert not model.training
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_seed_decides_the_random_numbers() -> None:
    subject = Subject(Auxiliary(), (torch.randn(3, 4),), {})

    def output(seed: int) -> Tensor:
        with subject.running(training=True, seed=seed) as (ready, args, kwargs):
            return ready(*args, **kwargs)[0].detach()

    assert torch.equal(output(1), output(1))
    assert not torch.equal(output(1), output(2))


def test_a_model_without_weights_is_built_again_with_them_once() -> None:
    built: list[nn.Module] = []

    def realise() -> nn.Module:
        built.append(Auxiliary())
        return built[-1]

    subject = Subject(Auxiliary().to("meta"), (torch.randn(3, 4),), {}, realise=realise)
    for _ in range(2):
        with subject.running() as (ready, args, kwargs):
            assert torch.isfinite(ready(*args, **kwargs)).all()
    assert built == [subject.real()]


def test_a_model_that_nothing_can_build_again_has_no_values() -> None:
    subject = Subject(Auxiliary().to("meta"), (torch.randn(3, 4),), {})
    with pytest.raises(SubjectError, match="Auxiliary has no values in its weights"):
        subject.real()


def test_the_other_mode_or_nothing() -> None:
    subject = Subject(Auxiliary().eval(), (torch.randn(1, 4),), {})
    assert subject.in_mode(training=False) is not None
    assert subject.in_mode(training=True) is None, "a batch norm over one value"


def test_the_state_is_the_models_own_or_nothing() -> None:
    model = Auxiliary()
    state = Subject(model, (torch.randn(3, 4),), {}).state()
    assert state is not None
    assert state["head.bias"] is model.head.bias
    assert state["body.1.running_mean"] is model.body[1].running_mean
    assert Subject(Auxiliary().to("meta"), (torch.randn(3, 4),), {}).state() is None
