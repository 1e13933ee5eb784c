"""Find what holds for several sizes together: which have to be equal, and how large the largest has to be.

The sizes that each axis may have alone, with the others as in the example, are known before. Here it is tried
whether sizes that are accepted one at a time are also accepted together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from skiplint.analysis.contract.axes import Axis
from skiplint.analysis.contract.contract import AxisContract, Contract
from skiplint.analysis.contract.sizes import Sizes
from skiplint.analysis.contract.solving import bisect, doubtful, next_fit, solve

if TYPE_CHECKING:
    from skiplint.analysis.contract.probing import Point, Prober

_RESERVE = 16
"""The number of forwards that is kept for examples of refused sizes."""
_FEATURES = (2, 4, 6, 8, 10, 12, 14, 16, 3, 5, 7)
"""Values to try for one factor of a fixed product of two sizes."""


def all_together(prober: Prober, axes: Sequence[Axis], found: Sequence[Sizes]) -> Contract:
    """Return the contract of ``axes``, where ``found`` are the sizes that each may have alone."""
    contract = _of(axes, found)
    if len(axes) == 1:
        return contract
    contract = _equal(prober, contract) or contract
    contract = replace(contract, together=_together(prober, contract))
    tries = _combinations(prober, contract) + _related(prober, contract)
    for point in dict.fromkeys(tries):
        if prober.left < _RESERVE:  # what was not tried is not claimed
            return replace(contract, independent=False)
        if prober.accepts(point) != contract.accepts(point):
            return replace(contract, independent=False)
    return contract


def _of(axes: Sequence[Axis], found: Sequence[Sizes]) -> Contract:
    return Contract(tuple(AxisContract(axis, sizes) for axis, sizes in zip(axes, found, strict=True)))


def moved(point: Point, sizes: Mapping[int, int]) -> Point:
    """Return ``point`` with the size of each axis in ``sizes`` replaced."""
    return tuple(sizes.get(number, size) for number, size in enumerate(point))


def another(sizes: Sizes, start: int) -> int:
    """Return the accepted size next to ``start``: above it if there is one, else below, else ``start``."""
    above = next_fit(sizes, start + 1)
    if sizes.accepts(above):
        return above
    return next((size for size in range(start - 1, 0, -1) if sizes.accepts(size)), start)


def least(sizes: Sizes, start: int) -> int:
    """Return the smallest accepted size up to ``start``, which is accepted."""
    return next((size for size in range(1, start) if sizes.accepts(size)), start)


def _equal(prober: Prober, contract: Contract) -> Contract | None:
    """The contract with the sizes that have to be equal; None if none have to."""
    fixed = [number for number, each in enumerate(contract.axes) if each.sizes.fixed is not None]
    base = prober.base
    if len(fixed) < 2 or len({base[number] for number in fixed}) > 1:
        return None

    def all_at(size: int) -> bool:
        return prober.accepts(moved(base, dict.fromkeys(fixed, size)))

    start = base[fixed[0]]
    tries = (2 * start, start + 32, start + 14, start + 1, start // 2, start - 1)
    if not any(size >= 1 and all_at(size) for size in tries):
        return None
    sizes = solve(all_at, start)
    axes = [
        replace(each, sizes=sizes if number in fixed else each.sizes)
        for number, each in enumerate(contract.axes)
    ]
    ones = any(contract.axes[number].sizes.accepts(1) for number in fixed)
    tied = Contract(tuple(axes), equal=tuple(fixed), ones=ones)
    beside = [
        moved(base, {**dict.fromkeys(fixed, size), number: 1})
        for number in fixed
        for size in (*doubtful(sizes, start), another(sizes, start))
    ]
    holds = not ones or all(prober.accepts(point) == tied.accepts(point) for point in beside)
    return tied if holds else replace(tied, ones=False, independent=False)


def _together(prober: Prober, contract: Contract) -> tuple[int | None, ...]:
    """How large one of the sizes has to be, if the model refuses the smallest size on every axis at once."""
    base = prober.base
    lowest = tuple(least(each.sizes, size) for each, size in zip(contract.axes, base, strict=True))
    if prober.accepts(lowest):
        return ()
    bounds: list[int | None] = []
    for number, each in enumerate(contract.axes):
        moving = contract.equal if number in contract.equal and not contract.ones else (number,)
        last = max(base[number], another(each.sizes, base[number]))
        sizes = [size for size in range(lowest[number], last + 1) if each.sizes.accepts(size)]

        def reached(size: int, moving: tuple[int, ...] = moving) -> bool:
            return prober.accepts(moved(lowest, dict.fromkeys(moving, size)))

        bounds.append(bisect(sizes, reached) if len(sizes) > 1 and reached(sizes[-1]) else None)
    return tuple(bounds) if any(bound is not None for bound in bounds) else ()


def _combinations(prober: Prober, contract: Contract) -> list[Point]:
    """All combinations of accepted sizes: of each axis the two smallest and the one next to the example."""
    values: list[list[int]] = []
    for each, size in zip(contract.axes, prober.base, strict=True):
        first = least(each.sizes, size)
        second = next((other for other in range(first + 1, size) if each.sizes.accepts(other)), size)
        values.append(sorted({first, second, another(each.sizes, size)}))
    return list(product(*values))


def _related(prober: Prober, contract: Contract) -> list[Point]:
    """Points that keep the ratio, the difference or the product of the example's sizes."""
    base = prober.base
    bounded = [number for number, each in enumerate(contract.axes) if each.sizes.maximum is not None]
    if len(bounded) < 2:
        return []
    changes = ([2 * size for size in base], [max(size // 2, 1) for size in base], [size + 1 for size in base])
    alike = [moved(base, {number: changed[number] for number in bounded}) for changed in changes]
    one, other = bounded[:2]
    run = contract.axes[one].sizes.run
    traded = [
        moved(base, {one: base[one] + run * more, other: base[other] - run * less})
        for more, less in [(base[one] // run, base[other] // run // 2), *map(_trade, _FEATURES)]
        if 0 < less * run < base[other]
    ]
    return alike + traded


def _trade(left: int) -> tuple[int, int]:
    """How much to add to one and take from another of two factors ``left`` with the same product."""
    return (left, left // 2) if left % 2 == 0 else (left * (left - 1), left - 1)
