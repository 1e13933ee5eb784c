"""Which part of the gradient goes through each block, and which by each shortcut."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from skiplint.analysis.gradients.gains import Gains
from skiplint.analysis.gradients.masses import log, log_sum
from skiplint.analysis.skips import Skip


@dataclass(frozen=True, slots=True)
class SkipShare:
    """What goes each way at one skip, as parts of the whole mass of all paths."""

    join: int
    """Index of the join in the measured graph."""
    block: float
    """By the paths through what the skip bypasses."""
    shortcut: float
    """By the paths that take a shortcut of it."""


def skip_shares(gains: Gains, skips: Sequence[Skip]) -> tuple[SkipShare, ...]:
    """The shares of every skip, in execution order; all 0 where no gradient reaches the join."""
    before = _masses_before(gains)
    whole = log_sum([before[end.source] + log(end.gain) for end in gains.blocks.ends])
    met: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    for number, node in enumerate(gains.nodes):
        met[node.operation, node.block].append(number)
    found: list[SkipShare] = []
    for skip in skips:
        shortcuts = {connection.operand for connection in skip.connections}
        main = {
            (operand.producer, operand.output)
            for place, operand in enumerate(skip.operands)
            if place not in shortcuts
        }
        shares = {True: 0.0, False: 0.0}
        for number in met[skip.join, False]:
            after = gains.masses[gains.nodes[number]]
            for edge in gains.blocks.reads[number]:
                end = gains.nodes[edge.source]
                through = end.block and (end.operation, end.output) in main
                shares[through] += math.exp(after + log(edge.gain) + before[edge.source] - whole)
        found.append(SkipShare(skip.join, block=shares[True], shortcut=shares[False]))
    return tuple(found)


def _masses_before(gains: Gains) -> list[float]:
    """Logarithm of the mass of all paths from the inputs to each node."""
    before: list[float] = []
    for number, reads in enumerate(gains.blocks.reads):
        parts = [before[edge.source] + log(edge.gain) for edge in reads]
        before.append(log_sum([*parts, 0.0] if number in gains.blocks.sources else parts))
    return before
