"""Input contracts against brute force: what is claimed of every size from 1 to 300 is what happens there."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from skiplint import Analysis
from skiplint.tracing import Subject, trace
from skiplint.tracing.execution.backends import prepared

from .contract_models import CASES, Case

pytestmark = pytest.mark.filterwarnings("ignore")  # what the model packages deprecate

TOP = 300


def lines(shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The dimensions that change along each line of sizes: one at a time, and all at once."""
    moving = tuple(range(2 if len(shape) > 2 else 1, len(shape)))
    every = {} if len(moving) == 1 else {"together": moving}
    return {**{f"dim {dim}": (dim,) for dim in moving}, **every}


def runs(model: nn.Module, shape: tuple[int, ...], kind: torch.dtype) -> bool:
    try:
        model(torch.empty(shape, dtype=kind, device="meta"))
    except Exception:
        return False
    return True


def resized(shape: tuple[int, ...], moving: tuple[int, ...], size: int) -> tuple[int, ...]:
    return tuple(size if dim in moving else extent for dim, extent in enumerate(shape))


def grid(shape: tuple[int, ...]) -> list[tuple[tuple[int, int], tuple[int, ...]]]:
    """Every pair of the last two sizes that are small, 1 among them, beside sizes of every other kind."""
    if len(shape) < 4:
        return []
    pairs = product((1, 2, 3, 4, 8, 16, 24, 32), repeat=2)
    return [(pair, (*shape[:-2], *pair)) for pair in pairs]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=() if case.quick else pytest.mark.zoo) for case in CASES],
)
def test_every_size_is_as_claimed(case: Case) -> None:
    model = case.build().eval().to("meta")
    kind = torch.long if case.ids else torch.float32
    example: Tensor = torch.zeros(case.shape, dtype=kind, device="meta")
    contract = Analysis(trace(model, example), Subject(model, (example,), {})).contract
    assert contract is not None
    dims = [each.axis.places[0][1] for each in contract.axes]
    wrong = []
    with prepared("meta", model, (), {}) as (ready, _, _):
        for name, moving in lines(case.shape).items():
            for size in range(1, TOP + 1):
                shape = resized(case.shape, moving, size)
                if contract.accepts([shape[dim] for dim in dims]) != runs(ready, shape, kind):
                    wrong.append((name, size))
        for point, shape in grid(case.shape) if contract.independent else ():
            if contract.accepts([shape[dim] for dim in dims]) != runs(ready, shape, kind):
                wrong.append(("grid", point))
    assert wrong == []
