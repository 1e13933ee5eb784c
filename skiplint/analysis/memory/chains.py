"""Groups of concatenations that share features, such as those of a dense block or a decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skiplint.analysis.memory.concatenations import Concatenation, ConcatenationTotals, Feature, total


@dataclass(frozen=True, eq=False)
class Chain:
    """Concatenations that share features, directly or through each other."""

    joins: tuple[Concatenation, ...]
    """In execution order."""
    totals: ConcatenationTotals

    @property
    def ratio(self) -> float:
        """Allocated over distinct bytes."""
        return self.totals.blowup


def find_chains(concatenations: Sequence[Concatenation]) -> tuple[Chain, ...]:
    """The chains among ``concatenations``, in order of their first one; most have only one."""
    leader = list(range(len(concatenations)))

    def lead(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[tuple[int, int], int] = {}
    for index, each in enumerate(concatenations):
        for tensor in _tensors(each):
            before = first.setdefault(tensor, index)
            left, right = sorted((lead(before), lead(index)))
            leader[right] = left
    groups: dict[int, list[Concatenation]] = {}
    for index, each in enumerate(concatenations):
        groups.setdefault(lead(index), []).append(each)
    return tuple(Chain(tuple(group), total(group)) for group in groups.values())


def _tensors(each: Concatenation) -> Iterator[tuple[int, int]]:
    """The result and the operands of a concatenation, as (producer, output); nesting is not resolved."""
    yield each.operation, 0
    for part in each.parts:
        yield (part.producer, part.output) if isinstance(part, Feature) else (part.operation, 0)
