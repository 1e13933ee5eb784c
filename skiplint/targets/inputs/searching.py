"""Search for inputs that run: choices for each parameter of forward, at the usual sizes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from skiplint.targets.inputs.choices import Choice
from skiplint.targets.inputs.diagnosis import mismatch, numbers, too_small
from skiplint.targets.inputs.signatures import Slot
from skiplint.targets.inputs.templates import USUAL
from skiplint.targets.records import Arguments, FailedRun, Runs

_TRIES = 60
_COMBINATIONS = 40
_TRIES_WITHOUT_VALUES = 6
_LEAST_NAMED = {"S": 8, "L": 8, "V": 8}
"""A smaller number in a message counts channels or dimensions; at such a size wrong shapes may broadcast."""


@dataclass(frozen=True)
class Trial:
    """One choice for each parameter, and sizes."""

    choices: tuple[Choice, ...]
    sizes: Mapping[str, int]

    def arguments(self, slots: list[Slot]) -> Arguments:
        """Return the arguments of the call."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for seed, (slot, choice) in enumerate(zip(slots, self.choices, strict=True)):
            value = choice.make(self.sizes, seed * 10)
            if slot.keyword:
                kwargs[slot.name] = value
            else:
                args.append(value)
        return tuple(args), kwargs


@dataclass
class Outcome:
    """The result of a search."""

    found: Trial | None = None
    verified: bool = True
    failures: list[tuple[Trial, Exception]] = field(default_factory=list)
    """The first failure of each combination of choices, and later ones at another place of the model."""


class Search:
    """Tries combinations of choices and sizes until forward runs."""

    def __init__(
        self, slots: list[Slot], runs: Runs, fixed: Mapping[str, int], preferred: Mapping[str, int]
    ) -> None:
        """Prepare a search.

        Args:
            slots: the parameters of forward to fill.
            runs: runs one forward and returns its exception, or None if it ran.
            fixed: open sizes that are not varied.
            preferred: open sizes to try first.
        """
        self._slots = slots
        self._runs = runs
        self._fixed = dict(fixed)
        self._first = {"B": 1, **{name: values[0] for name, values in USUAL.items()}, **preferred, **fixed}
        self._left = _TRIES
        self._unverified: list[Trial] = []

    def run(self, choices: list[list[Choice]]) -> Outcome:
        """Search and return the outcome.

        If forward needs values, which the meta device does not have, the first trial that gets as far as that
        is taken and marked as not verified.
        """
        outcome = Outcome()
        for number, combination in enumerate(_by_likelihood(choices)):
            if self._left <= 0 or number >= _COMBINATIONS:
                break
            found = self._sizes(combination, outcome, thorough=number < 4)
            if found is not None:
                outcome.found = found
                return outcome
            if self._unverified:
                self._left = min(self._left, _TRIES_WITHOUT_VALUES)
        if self._unverified:
            outcome.found, outcome.verified = self._unverified[0], False
        return outcome

    def _sizes(self, combination: tuple[Choice, ...], outcome: Outcome, thorough: bool) -> Trial | None:
        """Try one combination of choices, and vary its open sizes one after the other."""
        symbols = sorted(set().union(*(choice.symbols for choice in combination)) - set(self._fixed))
        first = Trial(combination, self._first)
        failed = self._try(first)
        if failed is None:
            return first
        outcome.failures.append((first, failed.error))
        if failed.needs_values:
            self._unverified.append(first)
            return None
        for symbol in symbols:
            found = self._vary(first, symbol, failed.error, thorough, outcome)
            if found is not None:
                return found
        return None

    def _vary(
        self, trial: Trial, symbol: str, error: Exception, thorough: bool, outcome: Outcome
    ) -> Trial | None:
        unchanged = 0
        tried = {trial.sizes[symbol]}
        for size in self._candidates(symbol, trial.sizes[symbol], error, thorough):
            if size in tried or self._left <= 0:
                continue
            tried.add(size)
            attempt = Trial(trial.choices, {**trial.sizes, symbol: size})
            failed = self._try(attempt)
            if failed is None:
                return attempt
            if failed.needs_values:
                self._unverified.append(attempt)
                return None
            if _is_past(error, failed.error):
                outcome.failures.append((attempt, failed.error))
            unchanged += str(failed.error) == str(error)
            if unchanged >= 2:
                return None  # the size is not the cause
        return self._halve(trial, symbol, error, outcome) if thorough else None

    def _candidates(self, symbol: str, current: int, error: Exception, thorough: bool) -> Iterator[int]:
        """Sizes to try: those that the message names beside the current one, then the usual ones."""
        named = numbers(error)
        if current in named:
            yield from (number for number in named if number >= _LEAST_NAMED.get(symbol, 2))
        yield from USUAL[symbol][: 9 if thorough else 4]

    def _halve(self, trial: Trial, symbol: str, error: Exception, outcome: Outcome) -> Trial | None:
        """Find by bisection the size at which a layer after a flatten gets as many values as it takes.

        The number of values grows with the size. If both numbers of the mismatch change with the size, there
        is no such layer: ``x + conv(x)`` without padding only fits where one pixel is left to broadcast.
        """
        wanted = set(mismatch(error) or ())
        low, high = 2, 2048
        while wanted and low < high and self._left > 0:
            size = (low + high) // 2
            attempt = Trial(trial.choices, {**trial.sizes, symbol: size})
            failed = self._try(attempt)
            if failed is None:
                return self._evened(attempt, symbol)
            if _is_past(error, failed.error):
                outcome.failures.append((attempt, failed.error))
            pair = mismatch(failed.error)
            if pair is None and not too_small(failed.error):
                return None
            wanted &= set(pair or wanted)
            if pair is None or pair[0] < pair[1]:
                low = size + 1
            else:
                high = size
        return None

    def _evened(self, trial: Trial, symbol: str) -> Trial:
        """The next smaller size if this one is odd and that one runs too: even sizes are likelier."""
        smaller = Trial(trial.choices, {**trial.sizes, symbol: trial.sizes[symbol] - 1})
        return smaller if trial.sizes[symbol] % 2 and self._try(smaller) is None else trial

    def _try(self, trial: Trial) -> FailedRun | None:
        self._left -= 1
        args, kwargs = trial.arguments(self._slots)
        return self._runs(args, kwargs)


def _is_past(error: Exception, failure: Exception) -> bool:
    """Whether ``failure`` is later in the model than ``error``: the two name no size in common."""
    before, now = mismatch(error), mismatch(failure)
    return before is not None and not too_small(failure) and not set(before) & set(now or ())


def _by_likelihood(choices: list[list[Choice]]) -> Iterator[tuple[Choice, ...]]:
    """Combinations of one choice for each parameter, the likeliest first."""
    ranges = [range(min(len(options), 12)) for options in choices]
    combinations = itertools.islice(itertools.product(*ranges), 20_000)
    for combination in sorted(combinations, key=lambda indices: (sum(indices), max(indices, default=0))):
        yield tuple(options[index] for options, index in zip(choices, combination, strict=True))
