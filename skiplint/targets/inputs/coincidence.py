"""Whether a forward runs only because sizes coincide that have nothing to do with each other.

A call that sets tensors against each other accepts any sizes where one of them is 1. So a position table for
64 by 64 patches also fits an image of a single patch. And a context vector with a forgotten ``keepdim=True``
fits an image as wide as it has channels. No author means such a size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skiplint.targets.inputs.meetings import Meeting, Meetings, Operand


def repeats_data(at: Meetings) -> bool:
    """Whether a parameter or a constant repeats an axis of the data that has size 1."""
    return any(True for meeting in at.all for _ in _repeated(meeting))


def joins_ranks(at: Meetings) -> bool:
    """Whether tensors of the data with different numbers of axes meet."""
    return any(_ranks_differ(meeting) for meeting in at.all)


def is_stretched(at: Meetings, other: Meetings) -> bool:
    """Whether a parameter repeats an axis of the data that is longer in ``other``, at other sizes."""
    for number, meeting in enumerate(at.all):
        there = other.same(number, meeting)
        if there is None:
            continue
        for operand, axis in _repeated(meeting):
            if len(there.operands) == len(meeting.operands) and _size(there.operands[operand], axis) > 1:
                return True
    return False


def is_by_chance(at: Meetings, failed: Meetings, wider: Callable[[], Meetings]) -> bool:
    """Whether the call at which ``failed`` ended fits in ``at`` only by chance.

    Args:
        at: the meetings of a forward that runs.
        failed: those of one at other sizes, which does not.
        wider: gives those at the sizes of ``at`` with a larger batch.
    """
    if not failed.failed:
        return False
    number = len(failed.all) - 1
    before = failed.all[-1]
    now = at.same(number, before)
    if now is None or len(before.operands) != len(now.operands):
        return False
    pairs = [
        (index, other)
        for index, other in combinations(range(len(now.operands)), 2)
        if all(now.operands[each].data and now.operands[each].shape for each in (index, other))
    ]
    if any(_are_swapped(before, now, *pair) or _is_shrunk(before, now, *pair) for pair in pairs):
        return True
    if not _ranks_differ(now):
        return False
    batched = wider()
    return batched.failed and batched.same(number, before) is not None and len(batched.all) == number + 1


def _repeated(meeting: Meeting) -> Iterator[tuple[int, int]]:
    """(operand, axis from the end) of each axis of size 1 that fixed tensors alone make longer."""
    for number, operand in enumerate(meeting.operands):
        if not operand.data:
            continue
        for axis in range(1, len(operand.shape) + 1):
            others = [_size(each, axis) for each in meeting.data]
            if max(others) == 1 and any(_size(each, axis) > 1 for each in meeting.fixed):
                yield number, axis


def _size(operand: Operand, axis: int) -> int:
    """The size of an axis that is counted from the end, from 1 on; 1 where there is none."""
    return operand.shape[-axis] if axis <= len(operand.shape) else 1


def _ranks_differ(meeting: Meeting) -> bool:
    return len({len(operand.shape) for operand in meeting.data}) > 1


def _moved(before: Operand, now: Operand) -> set[int]:
    """The axes, counted from the end, whose sizes differ."""
    longest = max(len(before.shape), len(now.shape))
    return {axis for axis in range(1, longest + 1) if _size(before, axis) != _size(now, axis)}


def _are_swapped(before: Meeting, now: Meeting, one: int, other: int) -> bool:
    """Whether the sizes that change with the input's are at other axes in the two operands."""
    moved = [_moved(before.operands[number], now.operands[number]) for number in (one, other)]
    return bool(moved[0] - moved[1]) and bool(moved[1] - moved[0])


def _is_shrunk(before: Meeting, now: Meeting, one: int, other: int) -> bool:
    """Whether an axis that was too long for the other operand now fits because it has size 1."""
    for small, large in ((one, other), (other, one)):
        for axis in range(1, len(now.operands[small].shape) + 1):
            fits = _size(now.operands[small], axis) == 1 < _size(now.operands[large], axis)
            if fits and _size(before.operands[small], axis) > 1:
                return True
    return False
