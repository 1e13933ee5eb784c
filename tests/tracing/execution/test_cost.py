"""A trial on real values that would fill the memory is refused before it does."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skiplint.tracing import dry_run
from skiplint.tracing.execution.cost import TooLargeError


class Similarities(nn.Module):
    """Asks for a value, so that only real tensors do, then compares all positions with all."""

    def forward(self, x: Tensor) -> Tensor:
        scale = x.abs().max().item() + 1
        return (x.mT / scale) @ x


def test_a_product_of_many_gib_is_refused_at_once() -> None:
    error = dry_run(Similarities(), (torch.zeros(1, 1, 2**17 + 2**18),), {})
    assert isinstance(error, TooLargeError)
    assert "GiB" in str(error)


def test_a_product_that_fits_is_made() -> None:
    assert dry_run(Similarities(), (torch.zeros(1, 1, 64),), {}) is None
