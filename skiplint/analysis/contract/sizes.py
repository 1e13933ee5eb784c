"""The sizes that one axis may have: a set of whole numbers, described by a few figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """All ``n`` with ``minimum <= n <= maximum`` and ``n % modulus in residues``, except for some."""

    minimum: int = 1
    maximum: int | None = None
    """The largest size; None if no limit was found."""
    modulus: int = 1
    residues: tuple[int, ...] = (0,)
    """The allowed remainders of ``n`` by ``modulus``, ascending."""
    others: tuple[int, ...] = ()
    """Sizes that are accepted although the figures above say otherwise."""
    refused: tuple[int, ...] = ()
    """Sizes that are refused although the figures above say otherwise."""

    def accepts(self, size: int) -> bool:
        """Return whether ``size`` is in the set."""
        return size in self.others or (self.fits(size) and size not in self.refused)

    def fits(self, size: int) -> bool:
        """Return whether ``size`` would be in the set without the exceptions."""
        below = self.maximum is None or size <= self.maximum
        return self.minimum <= size and below and size % self.modulus in self.residues

    @property
    def free(self) -> bool:
        """Whether every size is in the set."""
        return self == Sizes()

    @property
    def fixed(self) -> int | None:
        """The only size in the set besides exceptions; None if there are several."""
        return self.minimum if self.minimum == self.maximum else None

    @property
    def run(self) -> int:
        """The number of sizes from minimum to maximum; 1 if there is no maximum."""
        return 1 if self.maximum is None else self.maximum - self.minimum + 1

    @property
    def stepped(self) -> bool:
        """Whether the set is periodic, with sizes between accepted ones that are refused."""
        return self.modulus > 1


def periodic(modulus: int, residues: frozenset[int]) -> tuple[int, tuple[int, ...]]:
    """Return the smallest modulus with its residues for the same set of numbers."""
    for divisor in range(1, modulus):
        if modulus % divisor == 0:
            smaller = {residue % divisor for residue in residues}
            if len(smaller) * (modulus // divisor) == len(residues):
                return divisor, tuple(sorted(smaller))
    return modulus, tuple(sorted(residues))
