"""Find the sizes that a model accepts with few probes.

Whether the branches of a network have the same size at a join depends on rounding: each stride, pooling
and upsampling needs a certain remainder. So the accepted sizes are a few runs of consecutive sizes that
repeat with a period, from a minimum on and perhaps up to a maximum. The search finds the run around an
accepted size, then the period, then other runs within one period, then minimum and maximum. At last it
probes the sizes at which the answer is most likely to be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from skiplint.analysis.contract.sizes import Sizes, periodic

Accepts = Callable[[int], bool]

OFFSETS = (1, 2, 4, 7, 12, 20, 31, 45)
"""Steps from a size; at least one of them leads between the runs of every period up to 64."""

_HALVINGS = 128
"""A multiple of the period of up to seven halvings of the resolution; tried first."""
_PERIODS = (96, 224, 160, 48, 36, 20)
"""Multiples of most other periods that networks have; tried after the size of the example."""
_BELOW = (64, 48, 32, 28, 16, 14, 10, 8, 7, 6, 5, 4, 3, 2)
"""Distances below the example, for sizes with a maximum close above it."""
_PRIMES = (2, 3, 5, 7)
_SCANNED = 64
"""The number of sizes that are tried one by one if the pattern has exceptions."""


def solve(accepts: Accepts, start: int, *, open_above: bool = False, limits: Sequence[int] = ()) -> Sizes:
    """Return the sizes that ``accepts`` accepts.

    Args:
        accepts: whether the model runs at a size.
        start: a size that it accepts.
        open_above: whether all larger sizes are known to be accepted.
        limits: possible maxima, such as the lengths of tables.
    """
    high = None if open_above else _end_of_run(accepts, start, 1)
    if high is None:
        return _checked(accepts, start, _ends(accepts, start, Sizes(), limits, open_above=open_above))
    low = _end_of_run(accepts, start, -1) or 1
    period = _period(accepts, start, low, high)
    if period is None:
        return _checked(accepts, start, Sizes(low, high))
    modulus, residues = periodic(period, _residues(accepts, start, low, high, period))
    return _checked(accepts, start, _ends(accepts, start, Sizes(modulus=modulus, residues=residues), limits))


def _end_of_run(accepts: Accepts, start: int, direction: int) -> int | None:
    """The last size of the accepted run in this direction; None if the run is longer than we look."""
    passed = 0
    for offset in OFFSETS:
        if start + direction * offset < 1:
            break
        if not accepts(start + direction * offset):
            within = bisect(range(passed, offset), lambda step: not accepts(start + direction * step))
            return start + direction * (within - 1)
        passed = offset
    return None


def bisect(candidates: Sequence[int], holds: Callable[[int], bool]) -> int:
    """Return the first of ``candidates`` for which ``holds`` is true; one more than the last if none.

    ``holds`` has to be false for the first candidate, and true for all after the first for which it is.
    """
    left, right = 0, len(candidates)
    while right - left > 1:
        middle = (left + right) // 2
        left, right = (left, middle) if holds(candidates[middle]) else (middle, right)
    return candidates[right] if right < len(candidates) else candidates[-1] + 1


def _period(accepts: Accepts, start: int, low: int, high: int) -> int | None:
    """The distance at which the accepted run from ``low`` to ``high`` repeats; None if it does not."""

    def repeats(distance: int) -> bool:
        # That a size of 1 is accepted says nothing: it may be broadcast.
        if start + distance < 2 or abs(distance) <= high - low + 1 or not accepts(start + distance):
            return False
        # Once may be by chance, where the example is at a common multiple of this and of the true period.
        if distance > 0 and not accepts(start + 2 * distance):
            return False
        inside, outside = (low + distance, high + distance), (low - 1 + distance, high + 1 + distance)
        return all(accepts(size) for size in inside if size >= 1) and not any(
            accepts(size) for size in outside if size >= 1
        )

    for distance in (*dict.fromkeys((_HALVINGS, start, *_PERIODS)), *(-period for period in _BELOW)):
        if repeats(distance):
            return abs(_shortest(repeats, distance))
    return None


def _shortest(repeats: Callable[[int], bool], distance: int) -> int:
    """The smallest divisor of ``distance`` at which the run repeats as well."""
    for prime in _PRIMES:
        while distance % prime == 0 and repeats(distance // prime):
            distance //= prime
    return distance


def _residues(accepts: Accepts, start: int, low: int, high: int, period: int) -> frozenset[int]:
    """The remainders of the accepted sizes of one period."""
    found = {size % period for size in range(low, high + 1)}
    steps = {1 << bit for bit in range(period.bit_length()) if 1 << bit < period} | {period // 3, period // 2}
    # Where sizes end above, the period below is asked.
    origin = start if start <= period or accepts(start + period) else start - period
    tries = {origin + step for step in steps} | {origin + period - step for step in steps}
    between = sorted(size for size in tries if size % period not in found)
    if any(accepts(size) for size in between):
        after = high + origin - start
        found.update(size % period for size in range(after + 1, after + period) if accepts(size))
    return frozenset(found)


def _ends(
    accepts: Accepts, start: int, sizes: Sizes, limits: Sequence[int], *, open_above: bool = False
) -> Sizes:
    """``sizes`` with minimum and maximum."""
    below = [size for size in range(1, start) if sizes.fits(size)] + [start]
    minimum = 1 if accepts(below[0]) else bisect(below, accepts)
    maximum = None if open_above else _largest(accepts, start, sizes, limits)
    return Sizes(minimum, maximum, sizes.modulus, sizes.residues)


def _largest(accepts: Accepts, start: int, sizes: Sizes, limits: Sequence[int]) -> int | None:
    reached = start
    for limit in sorted({2 * start, 4 * start, *limits}):
        size = next_fit(sizes, limit + 1)
        if not accepts(size):
            above = [each for each in range(reached, size + 1) if sizes.fits(each)]
            if limit in limits and len(above) > 1 and accepts(above[-2]):
                return above[-2]
            first_refused = bisect(above, lambda each: not accepts(each))
            return above[above.index(first_refused) - 1]
        reached = size
    return None


def next_fit(sizes: Sizes, size: int) -> int:
    """Return the first size from ``size`` on that has an allowed remainder."""
    while size % sizes.modulus not in sizes.residues:
        size += 1
    return size


def _checked(accepts: Accepts, start: int, sizes: Sizes) -> Sizes:
    """``sizes`` with its exceptions, which are looked for among small sizes and near the bounds."""
    wrong = [size for size in doubtful(sizes, start) if accepts(size) != sizes.accepts(size)]
    if not wrong:
        return sizes
    # A size of 1 is broadcast to any other, and so may be another very small one.
    first = next_fit(sizes, sizes.minimum)
    coarse = range(8, min(first, _SCANNED), 4)
    if wrong[-1] < 5 and not any(accepts(size) != sizes.accepts(size) for size in (5, *coarse)):
        return with_exceptions(sizes, [size for size in range(1, 5) if accepts(size)], 4)
    if wrong[-1] < first:
        last = first - 1
    else:
        last = max(_SCANNED, min(sizes.minimum + 2 * sizes.modulus, 4 * _SCANNED))
    return with_exceptions(sizes, [size for size in range(1, last + 1) if accepts(size)], last)


def with_exceptions(sizes: Sizes, accepted: Iterable[int], last: int) -> Sizes:
    """Return ``sizes`` with the exceptions that make it equal to ``accepted`` up to ``last``."""
    known = set(accepted)
    others = tuple(sorted(size for size in known if not sizes.fits(size)))
    refused = tuple(size for size in range(1, last + 1) if sizes.fits(size) and size not in known)
    return Sizes(sizes.minimum, sizes.maximum, sizes.modulus, sizes.residues, others, refused)


def doubtful(sizes: Sizes, start: int) -> list[int]:
    """Return the sizes at which ``sizes`` is likeliest to be wrong: very small, or near its bounds."""
    first = next_fit(sizes, sizes.minimum)
    tries = {1, 2, 3, 5, first - 1, first, first + 1, next_fit(sizes, first + 1), start // 2, start * 3 // 4}
    if sizes.stepped:
        tries |= {next_fit(sizes, start + 1), first - sizes.modulus}
    # Below the first that fits, something inside may be as small as 1 and broadcast.
    tries |= {first * eighth // 8 for eighth in range(1, 8)} if first > 8 else set()
    if sizes.maximum is not None:
        tries |= {sizes.maximum, sizes.maximum + 1}
    return sorted(size for size in tries if size >= 1)
