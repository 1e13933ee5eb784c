"""The size that a failed forward asks for, from what its errors say at two sizes of one axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

_STEPS = (32, 16, 8, 4, 1)
"""Where several sizes would do, the roundest one is likeliest."""
_LARGEST = 4096

Observation = tuple[int, tuple[int, int]]
"""A size, and the two sizes that did not fit in the forward with it."""


def proposals(observed: Sequence[Observation]) -> Iterator[int]:
    """Yield sizes at which what changes with the size would equal what it has to fit, the likeliest first.

    What changes is taken to grow with the size (a row of patches) or with its square (an image that is
    flattened), perhaps with one more (a class token).

    Args:
        observed: what was seen so far; the last two count.
    """
    for wanted, points in _readings(observed[-2:]):
        values = [wanted, *(value for _, value in points)]
        for straighten in sorted(_GROWTHS, key=lambda grows: _apart_from_whole(map(grows, values))):
            yield from _through(points, wanted, straighten)


def _with_token(count: int) -> float:
    return math.sqrt(max(count - 1, 0))


_GROWTHS: tuple[Callable[[int], float], ...] = (_with_token, math.sqrt, float)
"""What is in proportion to the size: a side of patches with a class token, a side, a length. The first of
those that give whole numbers is likeliest."""


def _apart_from_whole(values: Iterable[float]) -> float:
    return round(sum(abs(value - round(value)) for value in values), 6)


def _readings(observed: Sequence[Observation]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """(size to be met, what changes at each size): the number that stays is the one to be met."""
    if len(observed) < 2:
        return
    (first, before), (second, now) = observed
    for kept in (0, 1):
        if before[kept] == now[kept] and before[1 - kept] != now[1 - kept]:
            yield before[kept], [(first, before[1 - kept]), (second, now[1 - kept])]


def _through(points: list[tuple[int, int]], wanted: int, straighten: Callable[[int], float]) -> Iterator[int]:
    """Whole sizes beside the place where the line through both points reaches ``wanted``."""
    (first, before), (second, now) = ((size, straighten(value)) for size, value in points)
    if before == now:
        return
    exact = first + (straighten(wanted) - before) * (second - first) / (now - before)
    if not 1 <= exact <= _LARGEST:
        return
    room = abs(second - first) / max(abs(now - before), 1)  # Sizes within one step of what changes.
    for step in _STEPS:
        near = round(exact / step) * step
        if near and abs(near - exact) <= room:
            yield near
            break
    yield max(round(exact), 1)
