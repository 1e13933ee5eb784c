"""A model that asks for the process group gets one of a single process."""

from __future__ import annotations

import pytest
import torch
from torch import distributed, nn

from skiplint.targets import build
from skiplint.targets.environment.process_group import one_process
from tests.targets.conftest import Write
from tests.targets.environment.test_partial_execution import models

pytestmark = pytest.mark.skipif(not distributed.is_available(), reason="torch is built without it")


def test_the_group_is_made_when_asked_for_and_gone_afterwards() -> None:
    with one_process():
        assert not distributed.is_initialized()
        assert distributed.get_world_size() == 1
        assert distributed.get_rank() == 0
        for device in ("cpu", "meta"):
            distributed.all_reduce(torch.ones(2, device=device))
    assert not distributed.is_initialized()
    with pytest.raises(ValueError, match="has not been initialized"):
        distributed.get_world_size()


def test_a_script_that_starts_one_needs_no_addresses() -> None:
    with one_process():
        distributed.init_process_group(backend="nccl", init_method="env://")
        assert distributed.get_world_size() == 1


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_synchronised_norms_run_without_a_gpu(device: str) -> None:
    norm = nn.SyncBatchNorm(3).to(device).train()
    with one_process():
        assert distributed.get_rank() == 0
        assert norm(torch.ones(2, 3, 4, device=device)).shape == (2, 3, 4)


def test_constructors_and_forwards_that_ask_for_it(write: Write) -> None:
    path = write(
        "model.py",
        """
        import torch.distributed as dist

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(4, 4 * dist.get_world_size())

            def forward(self, x):
                y = self.fc(x)
                dist.all_reduce(y)
                return x + y / dist.get_world_size()
        """,
    )
    target = models(path)["Net"]
    model = build(target).model
    assert model.fc.out_features == 4
    with target.environment():
        assert model(torch.ones(2, 4, device="meta")).shape == (2, 4)
    assert not distributed.is_initialized()
