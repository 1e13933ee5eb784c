"""Put a contract into words."""

from __future__ import annotations

from collections.abc import Sequence

from skiplint.analysis.contract.contract import Contract
from skiplint.analysis.contract.sizes import Sizes

_LISTED = 6
"""The number of exceptions that are listed."""


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
