"""Code that names a GPU runs where the tracer runs it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skiplint.devices.accelerators import accelerators_followed


@pytest.mark.parametrize("here", ["meta", "cpu"])
def test_factories_and_moves_stay_here(here: str) -> None:
    with torch.device(here), accelerators_followed():
        made = [
            torch.zeros(2, device="cuda"),
            torch.zeros(2, device=torch.device("cuda:1")),
            torch.ones(2, device=0),
            torch.arange(3, device="mps"),
            torch.zeros(2).cuda(),
            torch.zeros(2).cuda(0, non_blocking=True),
            torch.zeros(2).to("cuda:0"),
            torch.zeros(2).to(torch.device("cuda"), torch.float16),
            torch.zeros(2).to(device="xpu", dtype=torch.float64),
            torch.zeros(2).to(0),
            torch.zeros(2).pin_memory(),
            torch.zeros(2).new_zeros(3, device="cuda"),
            torch.zeros_like(torch.ones(2), device="cuda"),
            torch.tensor([1.0], device="cuda"),
            nn.Linear(2, 2).cuda().weight,
            nn.Linear(2, 2).to("cuda").weight,
            nn.Linear(2, 2, device="cuda").weight,
        ]
        with torch.device("cuda"):
            made.append(torch.empty(1))
    assert {tensor.device.type for tensor in made} == {here}
    assert made[7].dtype == torch.float16
    assert made[8].dtype == torch.float64


def test_a_tensor_that_is_moved_stays_where_it_is() -> None:
    """A buffer that the constructor made on the CPU does not go to the meta device without its values."""
    values = torch.arange(3)
    with torch.device("meta"), accelerators_followed():
        assert values.cuda().tolist() == [0, 1, 2]
        assert values.to("cuda", torch.float32).tolist() == [0.0, 1.0, 2.0]


def test_questions_have_answers_without_a_driver() -> None:
    with accelerators_followed():
        assert not torch.cuda.is_available()
        assert torch.cuda.current_device() == 0
        assert torch.cuda.get_device_capability() == (0, 0)
        assert torch.cuda.get_device_name(0) == "cpu"
        assert torch.cuda.get_device_properties(0).total_memory == 0
        assert torch.cuda.memory_allocated() == 0
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.manual_seed_all(3)
        torch.cuda.set_device(0)
        torch.cuda.nvtx.range_push("x")
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream), torch.cuda.device(0):
            stream.wait_stream(torch.cuda.current_stream())
            torch.cuda.Event(enable_timing=True).record()
        assert isinstance(stream, torch.cuda.Stream)
        assert torch.cuda.FloatTensor([1.0]).tolist() == [1.0]
        assert torch.zeros(1).type("torch.cuda.HalfTensor").dtype == torch.float16


def test_a_gpu_may_be_said_to_be_there() -> None:
    with accelerators_followed(), accelerators_followed(available=True):
        assert torch.cuda.is_available()
        assert torch.cuda.device_count() == 1


def test_a_kind_that_is_kept_is_asked_for() -> None:
    with accelerators_followed({"cuda"}):
        assert torch.zeros(1, device="mps").device.type == "cpu"
        if not torch.cuda.is_available():
            with pytest.raises((RuntimeError, AssertionError)):
                torch.zeros(1, device="cuda")


def test_everything_is_put_back() -> None:
    before = {name: getattr(torch.cuda, name) for name in dir(torch.cuda)}
    with accelerators_followed():
        kept = torch.cuda.is_initialized
    assert {name: getattr(torch.cuda, name) for name in dir(torch.cuda)} == before
    assert kept() == torch.cuda.is_initialized(), "what a library kept works as before"
