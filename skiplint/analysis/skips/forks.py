"""From a join back to the tensors where its shortcuts start.

One sweep per main operand goes back in execution order from a join's operands. It keeps for every
operation it meets the distance to the main operand (in weighted layers) and, along operations that keep
features, the distance to each operand that could be a shortcut. The first operation that has both and
meets the definition (DESIGN section 4) is the fork.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple

from skiplint.analysis.flow import ROOT, Flow
from skiplint.analysis.skips.joins import Join
from skiplint.analysis.skips.roles import is_single_projection, kept_operands
from skiplint.graph import Operand

_MAX_MAIN_OPERANDS = 4


class MainPaths:
    """Shortest distances from the root that take no known shortcut, filled in as joins are judged."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._shortcuts: set[tuple[int, int, int]] = set()
        self.distance: list[int] = []

    def fill(self, stop: int) -> None:
        """Know the distances of all operations before ``stop``."""
        for index in range(len(self.distance), stop):
            self.distance.append(self._measure(index))

    def refresh(self, steps: Sequence[int]) -> None:
        """Measure ``steps`` again, after shortcuts into them were marked."""
        for index in steps:
            if index < len(self.distance):
                self.distance[index] = self._measure(index)

    def _measure(self, index: int) -> int:
        main = [self.distance[operand.producer] for operand in self.reads(index)]
        return min(main, default=0) + self._flow.weight[index]

    def reads(self, index: int) -> Sequence[Operand]:
        """The feature operands of ``index`` that are no shortcuts (all, should none be left)."""
        operands = self._flow.reads[index]
        main = [each for each in operands if not self.is_shortcut(index, each)]
        return main or operands

    def is_shortcut(self, reader: int, operand: Operand) -> bool:
        """Whether ``operand`` of ``reader`` was marked."""
        return (reader, operand.producer, operand.output) in self._shortcuts

    def mark(self, reader: int, operand: Operand) -> None:
        """``operand`` of ``reader`` is the end of a shortcut."""
        self._shortcuts.add((reader, operand.producer, operand.output))


@dataclass(frozen=True, slots=True)
class Match:
    """A shortcut: branch ``position`` of the join comes from ``fork`` past branch ``main``."""

    position: int
    main: int
    fork: Operand
    distance: int
    """Weighted layers on the shortcut, 0 or 1."""
    strict: bool
    """No path from the fork to the main operand is free of weighted layers."""
    path: tuple[int, ...]
    """Operations of the shortcut from the fork, itself not included, to the join's operand."""
    span: int
    """Weighted layers on the main path: of two branches, on the shortest path that takes no other
    shortcut; of more, on the shortest path there is."""


class _Main(NamedTuple):
    """Weighted layers from an operation to the main operand."""

    shortest: int
    main: int
    """The same without known shortcuts."""

    def merged(self, other: _Main | None) -> _Main:
        if other is None:
            return self
        return _Main(min(self.shortest, other.shortest), min(self.main, other.main))


class _Short(NamedTuple):
    distance: int
    after: int
    """The next operation towards the join, -1 at the operand itself."""
    operand: Operand
    """How that operation, or the join, reads this one."""


_NEVER = 1 << 60


@dataclass
class _Sweep:
    flow: Flow
    join: Join
    main: int
    paths: MainPaths
    open: set[int]
    """Branches that may still turn out to be shortcuts."""
    floor: int
    mains: dict[int, _Main] = field(default_factory=dict)
    shorts: dict[int, dict[int, _Short]] = field(default_factory=dict)
    heap: list[int] = field(default_factory=list)
    short_heap: list[int] = field(default_factory=list)
    main_heap: list[tuple[int, int]] = field(default_factory=list)
    queued: set[int] = field(default_factory=set)
    matches: list[Match] = field(default_factory=list)

    def run(self) -> list[Match]:
        for operand in self.join.branches[self.main].starts:
            self._set_main(operand.producer, _Main(0, 0))
        for position in self.open:
            for operand in self.join.branches[position].starts:
                self._set_short(operand.producer, position, _Short(0, -1, operand))
        while self.heap and self.open:
            index = -heapq.heappop(self.heap)
            self.queued.discard(index)
            if index < self.floor:
                break
            self._visit(index)
        return self.matches

    def _queue(self, index: int) -> None:
        if index not in self.queued:
            self.queued.add(index)
            heapq.heappush(self.heap, -index)

    def _set_main(self, index: int, state: _Main) -> None:
        merged = state.merged(self.mains.get(index))
        self.mains[index] = merged
        self._queue(index)
        heapq.heappush(self.main_heap, (merged.shortest, index))

    def _set_short(self, index: int, position: int, state: _Short) -> None:
        row = self.shorts.setdefault(index, {})
        known = row.get(position)
        if known is None or state.distance < known.distance:
            row[position] = state
            self._queue(index)
            heapq.heappush(self.short_heap, -index)

    def _visit(self, index: int) -> None:
        main, row = self.mains.get(index), self.shorts.get(index)
        if main is not None and row is not None:
            for position in list(row):
                self._accept(index, position, main)
        if row is not None:
            self._expand_shorts(index, row)
        if main is not None and self.open:
            self._expand_main(index, main)

    def _expand_shorts(self, index: int, row: dict[int, _Short]) -> None:
        weight = self.flow.weight[index]
        if weight and not is_single_projection(self.flow.graph.operations[index]):
            return
        operands: Sequence[Operand] | None = None
        for position, state in row.items():
            if position in self.open and state.distance + weight <= 1:
                operands = kept_operands(self.flow, index) if operands is None else operands
                for operand in operands:
                    step = _Short(state.distance + weight, index, operand)
                    self._set_short(operand.producer, position, step)

    def _expand_main(self, index: int, state: _Main) -> None:
        above = self._hop(index)
        tree, distance = self.flow.tree, self.paths.distance
        if above != index:
            nearer = tree.shortest[index] - tree.shortest[above], distance[index] - distance[above]
            self._set_main(above, _Main(state.shortest + nearer[0], state.main + nearer[1]))
            return
        weight = self.flow.weight[index]
        reached: list[int] = []
        for operand in self.flow.reads[index]:
            producer = operand.producer
            if producer < self.floor:
                continue
            shortcut = self.paths.is_shortcut(index, operand)
            main = _NEVER if shortcut and len(self.flow.reads[index]) > 1 else state.main + weight
            self._set_main(producer, _Main(state.shortest + weight, main))
            if producer in self.shorts:
                reached.append(producer)
        if len(self.join.branches) > 2:
            for producer in reached:
                self._accept_early(producer)

    def _hop(self, index: int) -> int:
        """The highest dominator of ``index`` below which no shortcut can fork."""
        while self.short_heap and (
            -self.short_heap[0] >= index or not (self.shorts[-self.short_heap[0]].keys() & self.open)
        ):
            heapq.heappop(self.short_heap)
        bound = max(-self.short_heap[0] if self.short_heap else self.floor, self.floor, 0)
        parent = self.flow.tree.parent
        while parent[index] != ROOT and parent[index] >= bound:
            index = parent[index]
        return index

    def _accept_early(self, index: int) -> None:
        """An operand met when all that is queued is as far away or farther: no later path is shorter.

        Without this a dense block of L layers would take L sweeps over all of it.
        """
        main = self.mains[index]
        while self.main_heap[0][1] not in self.queued:
            heapq.heappop(self.main_heap)
        if main.shortest < 1 or main.shortest > self.main_heap[0][0]:
            return
        for position, state in list(self.shorts[index].items()):
            if state.distance == 0 and state.after == -1:
                self._accept(index, position, main)

    def _accept(self, index: int, position: int, main: _Main) -> None:
        if position not in self.open:
            return
        state = self.shorts[index][position]
        least = state.distance + 1
        strict = main.shortest >= least
        if not strict and not (least <= main.main < _NEVER and self._is_pure(index, position)):
            return
        path = []
        step = state
        while step.after != -1:
            path.append(step.after)
            step = self.shorts[step.after][position]
        self.open.discard(position)
        span = main.main if len(self.join.branches) == 2 and main.main < _NEVER else main.shortest
        self.matches.append(
            Match(position, self.main, state.operand, state.distance, strict, tuple(path), span)
        )

    def _is_pure(self, index: int, position: int) -> bool:
        """Whether every path from ``index`` to the shortcut operand has the same weighted layers."""
        tree = self.flow.tree
        for start in self.join.branches[position].starts:
            if not tree.dominates(index, start.producer):
                return self._is_chain(index, position)
            shortest = tree.shortest[start.producer] - tree.shortest[index]
            if tree.longest[start.producer] - tree.longest[index] != shortest:
                return False
        return True

    def _is_chain(self, index: int, position: int) -> bool:
        state = self.shorts[index][position]
        while state.after != -1:
            if len(self.flow.reads[state.after]) != 1:
                return False
            state = self.shorts[state.after][position]
        return True


def find_forks(flow: Flow, join: Join, paths: MainPaths) -> list[Match]:
    """The shortcuts that end in ``join``, at most one for each of its branches.

    Each of the last branches to be computed is taken as the main path in turn, for the others to be
    shortcuts past it.
    """
    paths.fill(join.index)
    positions = range(len(join.branches))
    floor = reduce(flow.tree.meet, [start.producer for each in join.branches for start in each.starts])
    matches: dict[int, Match] = {}
    latest = sorted(positions, key=lambda position: -join.branches[position].operand.producer)
    for main in latest[:_MAX_MAIN_OPERANDS]:
        others = {position for position in positions if position != main and position not in matches}
        if main in matches and len(matches) == len(positions) - 1:
            break
        for match in _Sweep(flow, join, main, paths, others, floor).run():
            matches.setdefault(match.position, match)
    return [matches[position] for position in positions if position in matches]
