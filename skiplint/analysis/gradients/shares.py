"""Which part of the gradient goes through each block, and which by each shortcut."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skiplint.analysis.gradients.gains import OUTSIDE, Gains, Node
from skiplint.analysis.skips import Skip

_NONE = -math.inf


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
    before, after = _logs(gains)
    whole = _log_sum(
        [after[OUTSIDE] + _log(gain) + before[to] for to, gain in gains.block_edges[OUTSIDE].items()]
    )
    found: list[SkipShare] = []
    for skip in skips:
        shortcuts = {connection.operand for connection in skip.connections}
        main = {
            Node(operand.producer, True, operand.output)
            for place, operand in enumerate(skip.operands)
            if place not in shortcuts
        }
        join = Node(skip.join)
        norm = gains.block_norms.get(join, 0.0)
        edges = gains.block_edges.get(join, {}) if norm else {}
        ways = {to: after[join] + _log(gain / norm) + before[to] - whole for to, gain in edges.items()}
        found.append(
            SkipShare(
                skip.join,
                sum(math.exp(way) for to, way in ways.items() if to in main),
                sum(math.exp(way) for to, way in ways.items() if to not in main),
            )
        )
    return tuple(found)


def _logs(gains: Gains) -> tuple[Mapping[Node, float], Mapping[Node, float]]:
    """Logarithm of the mass from the inputs to each node, and from each node's reader side to the loss."""
    nodes = sorted(gains.block_norms)
    number = {node: at for at, node in enumerate(nodes)}
    before = dict.fromkeys(nodes, _NONE)
    for node, reads in zip(nodes, gains.blocks.reads, strict=True):
        parts = [before[nodes[edge.source]] + _log(edge.gain) for edge in reads]
        if number[node] in gains.blocks.sources:
            parts.append(0.0)
        before[node] = _log_sum(parts)
    after: dict[Node, list[float]] = {node: [] for node in nodes}
    for to, gain in gains.block_edges[OUTSIDE].items():
        after[to].append(_log(gain))
    totals: dict[Node, float] = {OUTSIDE: 0.0}
    for node, reads in zip(reversed(nodes), reversed(gains.blocks.reads), strict=True):
        totals[node] = _log_sum(after[node])
        for edge in reads:
            after[nodes[edge.source]].append(totals[node] + _log(edge.gain))
    return before, totals


def _log(value: float) -> float:
    return math.log(value) if value > 0 else _NONE


def _log_sum(values: Sequence[float]) -> float:
    top = max(values, default=_NONE)
    return _NONE if top == _NONE else top + math.log(sum(math.exp(value - top) for value in values))
