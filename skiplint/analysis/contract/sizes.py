"""What is known of one size: a set of whole numbers, in as few figures as describe it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """All ``n`` with ``minimum <= n <= maximum`` and ``n % modulus in residues``, but for exceptions."""

    minimum: int = 1
    maximum: int | None = None
    """The largest size, None where no limit was found."""
    modulus: int = 1
    residues: tuple[int, ...] = (0,)
    """What ``n`` may leave when it is divided by ``modulus``, ascending."""
    others: tuple[int, ...] = ()
    """Sizes that are accepted although the figures above say otherwise."""
    refused: tuple[int, ...] = ()
    """Sizes that are refused although the figures above say otherwise."""

    def accepts(self, size: int) -> bool:
        """Whether the model runs at ``size``."""
        return size in self.others or (self.fits(size) and size not in self.refused)

    def fits(self, size: int) -> bool:
        """The same without the exceptions."""
        below = self.maximum is None or size <= self.maximum
        return self.minimum <= size and below and size % self.modulus in self.residues

    @property
    def free(self) -> bool:
        """Whether every size is accepted."""
        return self == Sizes()

    @property
    def fixed(self) -> int | None:
        """The only size that is accepted but for exceptions, None where there are several."""
        return self.minimum if self.minimum == self.maximum else None

    @property
    def run(self) -> int:
        """How many sizes there are between both ends, 1 where there is no end."""
        return 1 if self.maximum is None else self.maximum - self.minimum + 1

    @property
    def stepped(self) -> bool:
        """Whether sizes between accepted ones are refused, over and over."""
        return self.modulus > 1


def periodic(modulus: int, residues: frozenset[int]) -> tuple[int, tuple[int, ...]]:
    """The same set of numbers with the smallest modulus."""
    for divisor in range(1, modulus):
        if modulus % divisor == 0:
            smaller = {residue % divisor for residue in residues}
            if len(smaller) * (modulus // divisor) == len(residues):
                return divisor, tuple(sorted(smaller))
    return modulus, tuple(sorted(residues))
