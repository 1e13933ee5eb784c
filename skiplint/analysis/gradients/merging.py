"""Which gradients go on as one: the cheapest merges by Ward's criterion, until few enough are left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_DIRECTIONS = 12
"""Gradients that go on apart from one node; docs/paths.md has the errors that are left."""
_TINY = 1e-300
"""Stands for a divisor of zero."""
_ELEMENTS = 1 << 14
"""Elements of each gradient that are multiplied at a time, so that no second copy of all is held."""


def merged(
    gradients: Sequence[Mapping[int, Tensor]], masses: Sequence[float], lengths: Sequence[float]
) -> list[list[int]]:
    """Split the gradients at one node into at most twelve groups, each of which goes on as its sum.

    One gain is measured for a group. That is exact where its members point the same way, so the cheapest pair
    is merged until few enough groups are left. For masses m, mean lengths l and the angle a between two
    gradients, merging costs ``m1 m2 / (m1 + m2) * (1 - cos a) * (1 + |l1 - l2|)``: what Ward's criterion
    (Ward 1963, https://doi.org/10.1080/01621459.1963.10500845) minimises for the directions, times how far
    a wrong gain moves mass along the histogram of lengths.

    Args:
        gradients: the tensors of each, by output of the operation; as a whole none is zero.
        masses: the logarithm of the mass of the paths of each.
        lengths: the mean number of blocks on the paths of each.

    Returns:
        The places of the members, by group.
    """
    import torch

    groups = {place: [place] for place in range(len(gradients))}
    if len(groups) <= _DIRECTIONS:
        return list(groups.values())
    products = _inner_products(gradients)
    mass = torch.tensor([math.exp(each - max(masses)) for each in masses], dtype=torch.float64)
    length = torch.tensor(lengths, dtype=torch.float64)
    costs = torch.stack([_costs(place, products, mass, length) for place in groups])
    costs.fill_diagonal_(math.inf)
    while len(groups) > _DIRECTIONS:
        kept, gone = sorted(divmod(int(costs.argmin()), len(gradients)))
        groups[kept] += groups.pop(gone)
        both = mass[kept] + mass[gone]
        length[kept] = (length[kept] * mass[kept] + length[gone] * mass[gone]) / both.clamp_min(_TINY)
        mass[kept] = both
        products[kept] += products[gone]
        products[:, kept] += products[:, gone]
        costs[gone] = costs[:, gone] = math.inf
        row = _costs(kept, products, mass, length).masked_fill(costs[kept].isinf(), math.inf)
        costs[kept] = costs[:, kept] = row
    return list(groups.values())


def _costs(place: int, products: Tensor, mass: Tensor, length: Tensor) -> Tensor:
    """What it costs to merge the gradient at ``place`` with each; ``products`` are those of all pairs."""
    squares = products.diagonal()
    cosines = products[place] / (squares[place] * squares).sqrt().clamp_min(_TINY)
    weight = mass[place] * mass / (mass[place] + mass).clamp_min(_TINY)
    return weight * (1 - cosines) * (1 + (length[place] - length).abs())


def _inner_products(gradients: Sequence[Mapping[int, Tensor]]) -> Tensor:
    """The inner product of each with each, as a matrix."""
    import torch

    found = torch.zeros(len(gradients), len(gradients), dtype=torch.float64)
    for output in sorted({each for parts in gradients for each in parts}):
        places = torch.tensor([place for place, parts in enumerate(gradients) if output in parts])
        flat = [_real(gradients[place][output]).flatten() for place in places.tolist()]
        for start in range(0, len(flat[0]), _ELEMENTS):
            some = torch.stack([each[start : start + _ELEMENTS] for each in flat]).double()
            found[places[:, None], places] += some @ some.T
    return found


def _real(tensor: Tensor) -> Tensor:
    import torch

    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
