"""The reads that one shortcut is made of, for counting the paths that take it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from skiplint.analysis.skips import Skip
from skiplint.graph import Operand

_BEHIND_A_GATE = 16
"""How far a join looks back for the gate of an operand; views and dropout may lie in between."""

Reads = Sequence[Sequence[Operand]]


class Chain(NamedTuple):
    """The shortcut from operation ``start`` to ``end``, in ``ways`` ways where a tensor is read twice."""

    start: int
    end: int
    ways: int


def shortcut_chains(reads: Reads, skip: Skip) -> Iterator[Chain]:
    """Every shortcut of ``skip``, once for each operation of the join that reads it.

    ``x + g * (h - x)`` reads its shortcut in two places. Where the way from the fork cannot be followed
    read by read, the chain starts at the operand of the join.
    """
    # Counted once for all connections: the last join of a dense block has as many as the block has layers.
    joined = {step: Counter((each.producer, each.output) for each in reads[step]) for step in skip.steps}
    for connection in skip.connections:
        operand = skip.operands[connection.operand]
        start, ways = connection.fork.producer, 1
        stops = [start, *connection.path]
        rest = _after_gate(reads, stops[-1], operand.producer)
        for index, reader in pairwise([*stops, *(rest or ())]):
            ways *= sum(each.producer == index for each in reads[reader])
        if rest is None or not ways:
            start, ways = operand.producer, 1
        for step, tensors in joined.items():
            number = tensors[operand.producer, operand.output]
            if number:
                yield Chain(start, step, ways * number)


def _after_gate(reads: Reads, start: int, end: int) -> list[int] | None:
    """The operations after ``start`` to ``end``: a gate's product and the views after it, if any.

    None if the way is not one of views up to an operation that reads ``start`` itself.
    """
    trail: list[int] = []
    while end != start and len(trail) < _BEHIND_A_GATE:
        trail.append(end)
        producers = [each.producer for each in reads[end]]
        if start in producers:
            return trail[::-1]
        if len(producers) != 1:
            return None
        (end,) = producers
    return trail[::-1] if end == start else None
