"""Whether training fits, against sums that can be done by hand and against real runs."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from skiplint import analyze
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.memory.budget import Budget, Optimizer, judge
from skiplint.analysis.memory.byte_sizes import byte_size, parse_bytes
from skiplint.analysis.memory.sizes import SizeError
from tests.analysis.memory.memory_measuring import saved_bytes


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.cat([x, self.conv(x).relu()], 1))


SAMPLE = 4 * 8 * 8 * 4
WEIGHTS = 4 * (4 * 4 * 9 + 4 + 8 * 4 + 4)
KEPT = 4 * SAMPLE
"""For each sample: the input, the result of relu, and the concatenation of twice that."""


@pytest.mark.parametrize(("optimizer", "states"), [("adam", 2), ("sgd", 1), ("none", 0)])
def test_the_sum_and_the_largest_batch(optimizer: Optimizer, states: int) -> None:
    analysis = analyze(Block().eval(), torch.randn(3, 4, 8, 8))
    fixed = WEIGHTS * (2 + states)
    verdict = judge(analysis, Budget(fixed + 100 * KEPT, None, optimizer))
    assert (verdict.step.batch, verdict.step.total) == (3, fixed + 3 * KEPT)
    assert verdict.fits
    assert verdict.largest == 100
    less = judge(analysis, Budget(fixed + 100 * KEPT - 1, 120, optimizer))
    assert (less.largest, less.fits, less.over) == (99, False, 20 * KEPT + 1)
    (join,) = less.joins
    assert (join.operation.name, join.nbytes) == ("cat", 120 * 2 * SAMPLE)


def test_not_even_one() -> None:
    verdict = judge(analyze(Block().eval(), torch.randn(1, 4, 8, 8)), Budget(1000))
    assert verdict.largest == 0


def test_no_batch_is_too_large_for_what_keeps_nothing() -> None:
    verdict = judge(analyze(nn.ReLU(), torch.empty(1, 0)), Budget(1000))
    assert verdict.largest is None
    assert verdict.fits


def test_frozen_weights_have_no_gradient() -> None:
    model = Block().eval()
    model.conv.requires_grad_(False)
    step = judge(analyze(model, torch.randn(1, 4, 8, 8)), Budget(10**9)).step
    assert step.weights == WEIGHTS
    assert step.gradients == 4 * (8 * 4 + 4)


def test_a_batch_that_cannot_be_had() -> None:
    class Fixed(Block):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.view(2, 4, 8, 8))

    analysis = analyze(Fixed().eval(), torch.randn(2, 4, 8, 8))
    assert judge(analysis, Budget(10**9)).largest is None
    with pytest.raises(SizeError, match="forward failed"):
        judge(analysis, Budget(10**9, 5))
    with pytest.raises(SizeError, match="only the graph"):
        judge(Analysis(analysis.graph), Budget(10**9, 5))


def test_not_affine_in_the_batch() -> None:
    """All pairs of samples: the line through two batches is far off, the answer is not."""

    class Pairs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.proj = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            y = self.proj(x)
            return (y @ y.T).softmax(-1)

    analysis = analyze(Pairs().eval(), torch.randn(1, 4))
    limit = 10_000
    largest = judge(analysis, Budget(limit)).largest
    assert largest is not None
    assert judge(analysis, Budget(limit, largest)).fits
    assert not judge(analysis, Budget(limit, largest + 1)).fits


def test_a_real_step_at_the_largest_batch_keeps_what_was_said() -> None:
    model = torchvision.models.resnet18(weights=None)
    analysis = analyze(model.eval(), torch.randn(1, 3, 32, 32))
    verdict = judge(analysis, Budget(parse_bytes("200MiB"), None, "sgd"))
    assert verdict.largest is not None
    assert verdict.largest > 1
    fixed = verdict.step.weights + verdict.step.gradients + verdict.step.optimizer
    for batch in (verdict.largest, verdict.largest + 1):
        kept = saved_bytes(model, (torch.randn(batch, 3, 32, 32),), {})
        assert (fixed + kept <= verdict.budget.nbytes) == (batch == verdict.largest)


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [
        ("16GiB", 16 * 2**30),
        ("24 GB", 24 * 10**9),
        ("1.5MiB", 3 * 2**19),
        ("1000", 1000),
        ("7b", 7),
        ("1k", 1024),
    ],
)
def test_bytes_as_people_write_them(text: str, nbytes: int) -> None:
    assert parse_bytes(text) == nbytes


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "16 gigs", "0"])
def test_no_bytes(text: str) -> None:
    with pytest.raises(ValueError, match="no size in bytes"):
        parse_bytes(text)


def test_bytes_as_people_read_them() -> None:
    assert [byte_size(n) for n in (5, 1023, 1024, 1536, 2**41)] == [
        "5 B",
        "1023 B",
        "1.0 KiB",
        "1.5 KiB",
        "2.0 TiB",
    ]
