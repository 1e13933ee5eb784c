"""Joins in several steps, put together: ``x + a + b`` is one join of three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from skiplint.analysis.flow import Flow
from skiplint.analysis.skips.forks import MainPaths, find_forks
from skiplint.analysis.skips.joins import Branch, Join
from skiplint.graph import Operand
from skiplint.operators import Family


@dataclass
class LogicalJoins:
    """Merges each new step with the joins that it completes."""

    flow: Flow
    paths: MainPaths
    known: dict[int, Join] = field(default_factory=dict)

    def merge(self, step: Join, forks: Mapping[int, tuple[int, ...]]) -> tuple[Join, tuple[int, ...]]:
        """``step`` with the joins it absorbs, and the indices of these.

        ``forks`` tells where the shortcuts of the joins before start, for those that are skips.
        """
        absorbed: list[int] = []
        branches: list[Branch] = []
        for position, branch in enumerate(step.branches):
            inner = self._absorbable(step, position, forks)
            if inner is None:
                branches.append(branch)
            else:
                absorbed.append(inner.index)
                branches.extend(_within(each, branch) for each in inner.branches)
        join = replace(
            step,
            steps=tuple(sorted({*step.steps, *(s for i in absorbed for s in self.known[i].steps)})),
            branches=tuple(branches),
        )
        if step.kind == "additive":
            join = self._interpolation(join, absorbed)
        self.known[join.index] = join
        return join, tuple(absorbed)

    def _absorbable(self, step: Join, position: int, forks: Mapping[int, tuple[int, ...]]) -> Join | None:
        operand = step.branches[position].operand
        inner = self.known.get(operand.producer)
        if inner is None or inner.kind != step.kind or len(self.flow.readers[operand.producer]) != 1:
            return None
        if step.kind == "concatenative":
            ops = [self.flow.graph.operations[each.index].op for each in (inner, step)]
            updates = all(op.is_a(Family.UPDATE) for op in ops)
            same_axis = inner.axis == step.axis and (inner.axis is not None or updates)
            return inner if same_axis else None
        if self.flow.graph.operations[inner.index].op.is_a(Family.AVERAGE, Family.BLEND):
            return None  # a weighted sum of its own
        starts = forks.get(inner.index)
        return None if starts and self._goes_around(step, position, inner, starts) else inner

    def _goes_around(self, step: Join, position: int, inner: Join, forks: tuple[int, ...]) -> bool:
        """Whether ``step`` is a skip of its own with all of ``inner`` on its main path.

        A block that ends in an addition, inside another: two joins. In ``x + a + b`` both fork at ``x``.
        """
        if not all(self.flow.tree.dominates(fork, inner.index) for fork in forks):
            return False
        return any(
            match.main == position and match.fork.producer < min(forks)
            for match in find_forks(self.flow, step, self.paths)
        )

    def _interpolation(self, join: Join, absorbed: list[int]) -> Join:
        """``x + g * (h - x)`` is a join of ``x`` and ``h``: the difference inside is part of it."""
        for position, branch in enumerate(join.branches):
            inner = self.known.get(branch.source.producer) if branch.source is not None else None
            if inner is None or inner.kind != "additive" or len(self.flow.readers[inner.index]) != 1:
                continue
            others = [each for place, each in enumerate(join.branches) if place != position]
            tensors = {_tensor(each.operand) for each in others}
            new = [each for each in inner.branches if _tensor(each.operand) not in tensors]
            if len(inner.branches) != 2 or len(new) != 1:
                continue
            value = replace(new[0], gate=branch.gate, scale=branch.scale or new[0].scale)
            rest = [each if each.gate is not None else replace(each, gate=branch.gate) for each in others]
            absorbed.append(inner.index)
            steps = tuple(sorted({*join.steps, *inner.steps}))
            return replace(join, branches=(*rest[:position], value, *rest[position:]), steps=steps)
        return join


def _tensor(operand: Operand) -> tuple[int, int]:
    return operand.producer, operand.output


def _within(inner: Branch, outer: Branch) -> Branch:
    """A branch of an absorbed join, with the scale that the whole of it got."""
    return replace(inner, scale=inner.scale or outer.scale)
