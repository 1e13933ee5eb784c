"""The sizes that a model accepts, as data and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from skiplint.analysis.contract.axes import Axis
from skiplint.analysis.contract.sizes import Sizes
from skiplint.display.facts import Facts, Shown, counted
from skiplint.graph import Location

Shape = tuple[int, ...]
_LISTED = 6
"""The number of exceptions that are listed."""
FailureKind = Literal["join", "layer", "shape", "check", "other"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A size that the model refuses, and the operation that fails there."""

    point: tuple[int, ...]
    """The size of each axis of the contract."""
    inputs: tuple[Shape, ...]
    """The shapes of the inputs at that size."""
    kind: FailureKind
    """``join``: two data tensors that do not combine; ``layer`` and ``shape``: another call that refuses its
    operands; ``check``: an ``assert`` or ``raise`` of the model itself; ``other``: any other error."""
    message: str
    """The error on one line."""
    location: Location | None = None
    node: str | None = None
    """The id of the operation that fails; None if no operation does."""
    operands: tuple[Shape, ...] = ()
    """The shapes of its operands."""
    alone: bool = False
    """Whether only joins fail there, so that the model would run if they did."""


@dataclass(frozen=True, slots=True)
class AxisContract:
    """The sizes that one axis may have while the others are as in the example."""

    axis: Axis
    sizes: Sizes


@dataclass(frozen=True, slots=True)
class Contract(Shown):
    """The sizes that the inputs of a model may have."""

    axes: tuple[AxisContract, ...] = ()
    equal: tuple[int, ...] = ()
    """The positions in :attr:`axes` of the sizes that have to be equal; each of them then has the sizes that
    all may have."""
    ones: bool = False
    """Whether one of the equal sizes may also be 1, which is broadcast to the others."""
    together: tuple[int | None, ...] = ()
    """At least one of the sizes has to reach its bound here; None for one that never helps."""
    independent: bool = True
    """Whether the contract holds for all combinations of sizes that were tried. If not, it holds for one size
    at a time while the others are as in the example."""
    batch: Sizes = Sizes()  # noqa: RUF009 - frozen
    failures: tuple[Failure, ...] = ()
    """The refused sizes nearest to the example, one for each bound or rule that they break."""
    probes: int = 0
    """The number of forwards that were run to find and confirm the contract."""

    def _headline(self) -> str:
        return "Sizes that the inputs may have"

    def _facts(self) -> Facts:
        refused = (f"{', '.join(str(list(shape)) for shape in f.inputs)}: {f.message}" for f in self.failures)
        facts = [("sizes", contract_in_words(self)), ("refused", "\n".join(refused))]
        return [*(fact for fact in facts if fact[1]), ("checked by", counted(self.probes, "forward"))]

    @property
    def free(self) -> bool:
        """Whether the model accepts every size."""
        bound = self.equal or self.together or not self.independent
        return not bound and all(each.sizes.free for each in self.axes)

    def accepts(self, point: Sequence[int]) -> bool:
        """Return whether the model runs at these sizes, one for each axis."""
        if not all(each.sizes.accepts(size) for each, size in zip(self.axes, point, strict=True)):
            return False
        if len({point[number] for number in self.equal} - ({1} if self.ones else set())) > 1:
            return False
        reached = [
            bound is not None and size >= bound for size, bound in zip(point, self.together, strict=False)
        ]
        return any(reached) or not reached


def contract_in_words(contract: Contract) -> str:
    """Return the contract in words: ``height and width must be multiples of 32; T must be at most 512``."""
    parts: list[str] = []
    if contract.equal:
        names = [contract.axes[number].axis.name for number in contract.equal]
        ones = f", or {'one' if len(names) == 2 else 'some'} of them be 1" if contract.ones else ""
        parts.append(f"{names[0]} must equal {listed(names[1:])}{ones}")
    groups: dict[Sizes, list[str]] = {}
    for each in contract.axes:
        groups.setdefault(each.sizes, []).append(each.axis.name)
    parts.extend(_rule(names, sizes) for sizes, names in groups.items() if not sizes.free)
    if contract.together:
        parts.append(_together(contract))
    if not contract.independent:
        alone = "each with the others as in the example"
        parts.append("other combinations may differ" if contract.equal else alone)
    if not contract.batch.free:
        parts.append(_rule(["batch"], contract.batch))
    return "; ".join(parts) or "any size"


def _together(contract: Contract) -> str:
    """Such as ``one of them must be at least 8``, or ``depth must be at least 2, or height at least 4``."""
    bounds: dict[int, list[str]] = {}
    for each, bound in zip(contract.axes, contract.together, strict=True):
        if bound is not None:
            bounds.setdefault(bound, []).append(each.axis.name)
    if len(bounds) == 1 and None not in contract.together:
        return f"one of them must be at least {next(iter(bounds))}"
    ways = [f"{' or '.join(names)}{{}} at least {bound}" for bound, names in bounds.items()]
    return ", or ".join(way.format("" if number else " must be") for number, way in enumerate(ways))


def listed(names: Sequence[str]) -> str:
    """Return names as an enumeration: ``depth, height and width``."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _rule(names: Sequence[str], sizes: Sizes) -> str:
    subject = f"{listed(names)} must be"
    if sizes.fixed is not None:
        return f"{subject} {sizes.fixed}{_exceptions(sizes)}"
    parts: list[str] = []
    if sizes.stepped:
        parts.append(_step(sizes, plural=len(names) > 1))
    if sizes.maximum is not None and sizes.minimum > 1:
        parts.append(f"from {sizes.minimum} to {sizes.maximum}")
    elif sizes.minimum > 1:
        parts.append(f"at least {sizes.minimum}")
    elif sizes.maximum is not None:
        parts.append(f"at most {sizes.maximum}")
    text = f"{subject} {listed(parts)}" if parts else f"{listed(names)} may be any size"
    return text + _exceptions(sizes)


def _exceptions(sizes: Sizes) -> str:
    text = f" but not {_some(sizes.refused)}" if sizes.refused else ""
    verb = "runs" if len(sizes.others) == 1 else "run"
    return text + (f" ({_some(sizes.others)} {verb} too)" if sizes.others else "")


def _step(sizes: Sizes, *, plural: bool) -> str:
    """The allowed remainders in words, such as ``a multiple of 4, or up to 1 more``."""
    multiple = f"multiples of {sizes.modulus}" if plural else f"a multiple of {sizes.modulus}"
    if sizes.residues == (0,):
        return "even" if sizes.modulus == 2 else multiple
    if sizes.modulus == 2:
        return "odd"
    below, above = _about_zero(sizes)
    if below is None or above is None:
        return f"{_alternatives(sizes.residues)} more than {multiple}"
    less = f"up to {below} less" if below > 1 else "1 less"
    more = f"up to {above} more" if above > 1 else "1 more"
    return f"{multiple}, or " + " or ".join(text for text, by in ((less, below), (more, above)) if by)


def _about_zero(sizes: Sizes) -> tuple[int | None, int | None]:
    """How far the remainders reach without a gap below and above 0; None if these are not all of them."""
    if 0 not in sizes.residues:
        return None, None
    below = above = 0
    while sizes.modulus - below - 1 in sizes.residues:
        below += 1
    while above + 1 in sizes.residues:
        above += 1
    return (below, above) if below + above + 1 == len(sizes.residues) else (None, None)


def _alternatives(numbers: Sequence[int]) -> str:
    whole = list(range(numbers[0], numbers[-1] + 1))
    if list(numbers) == whole and len(whole) > 2:
        return f"{numbers[0]} to {numbers[-1]}"
    return " or ".join(part for part in (", ".join(map(str, numbers[:-1])), str(numbers[-1])) if part)


def _some(numbers: Sequence[int]) -> str:
    runs = _runs(numbers)
    shown = [f"{low} to {high}" if high > low else str(low) for low, high in runs[:_LISTED]]
    return listed(shown) + (" (and more)" if len(runs) > _LISTED else "")


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
