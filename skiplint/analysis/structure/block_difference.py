"""How the skips of one block differ from those of its siblings, as data and as a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from skiplint.analysis.structure.blocks import Wiring


class Difference(NamedTuple):
    """The skips that one of several blocks lacks, and those that it alone has, the widest first."""

    missing: tuple[Wiring, ...]
    extra: tuple[Wiring, ...]

    @classmethod
    def between(cls, odd: Sequence[Wiring], usual: Sequence[Wiring]) -> Difference:
        """Compare the skips of one block with the usual ones."""
        return cls(_widest_first(Counter(usual) - Counter(odd)), _widest_first(Counter(odd) - Counter(usual)))

    @property
    def is_another_design(self) -> bool:
        """Whether several skips differ at once: a design of its own, not a mistake in one line."""
        return bool(self.extra) and len(self.missing) > 1

    @property
    def expected(self) -> str:
        """The missing skips in words, for ``Finding.expected``."""
        return _several(self.missing).rstrip(",") if self.missing else "no such skip"

    @property
    def actual(self) -> str:
        """The extra skips in words, for ``Finding.actual``."""
        return _several(self.extra).rstrip(",") if self.extra else "no such skip"

    def sentence(self, others: str) -> str:
        """The predicate of a sentence about the odd block, which calls its siblings ``others``."""
        if not self.extra:
            return f"lacks {_the(self.missing)} that {others} have"
        if not self.missing:
            return f"has {_the(self.extra)} that {others} do not have"
        if len(self.missing) == len(self.extra) == 1:
            there, here = _compared(self.missing[0], self.extra[0])
            return f"{here} where {others} {there}"
        return f"has {_the(self.extra)} where {others} have {_the(self.missing).rstrip(',')}"


def _widest_first(wirings: Counter[Wiring]) -> tuple[Wiring, ...]:
    return tuple(sorted(wirings.elements(), key=lambda wiring: (not wiring.long, -wiring.span, wiring)))


def _the(wirings: Sequence[Wiring]) -> str:
    return f"the {wirings[0]}" if len(wirings) == 1 else _several(wirings)


def _several(wirings: Sequence[Wiring]) -> str:
    first, *more = wirings
    if not more:
        return str(first)
    which = "all" if len(set(wirings)) == 1 else "the widest"
    return f"{len(wirings)} skips, {which} of them the {first},"


def _compared(there: Wiring, here: Wiring) -> tuple[str, str]:
    """What siblings do, and what the odd block does, with a skip that differs from theirs."""
    if there == here._replace(tap=there.tap, span=there.span) and there.tap != here.tap:
        return f"tap {there.source('their')}", f"taps {here.source('its')} for its {here.kind} skip"
    if there == here._replace(end=there.end, span=there.span) and there.end != here.end:
        return f"join it after layer {there.end}", f"joins its {here.kind} skip after layer {here.end}"
    if there == here._replace(kind=there.kind, join=there.join, operands=there.operands):
        if there.operands == here.operands and there.join != here.join:
            return f"join it by {there.join}", f"joins {here.source('its')} by {here.join}"
        if there.join == here.join and there.operands != here.operands:
            return f"join {there.operands}", f"joins {here.operands} tensors by {here.join}"
    return f"have the {there}", f"has the {here}"
