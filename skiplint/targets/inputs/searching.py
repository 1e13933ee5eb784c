"""Search for inputs that run: choices for each parameter of forward, at the usual sizes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from skiplint.targets.inputs.choices import Choice, in_step
from skiplint.targets.inputs.coincidence import is_by_chance, is_stretched, joins_ranks, repeats_data
from skiplint.targets.inputs.diagnosis import mismatch, numbers, too_small
from skiplint.targets.inputs.signatures import Slot
from skiplint.targets.inputs.solving import Observation, proposals
from skiplint.targets.inputs.templates import USUAL
from skiplint.targets.records import Arguments, FailedRun, Runs

if TYPE_CHECKING:
    from skiplint.targets.inputs.meetings import Meetings

TRIES = 60
"""Forwards of one search."""
_COMBINATIONS = 40
_TRIES_WITHOUT_VALUES = 6
_TRIES_WITH_A_SPARE = 16
_LEAST_NAMED = {"S": 8, "L": 8, "V": 8}
"""A smaller number in a message counts channels or dimensions; at such a size wrong shapes may broadcast."""
_PROPOSED = 6
"""The number of sizes that are worked out from failures and tried, for one axis."""
_LARGER_BATCH = 3
_APART = 40
"""How far a size is changed to see what changes with it: more than any patch in use."""

Effort = Literal["own sizes", "usual sizes", "thorough"]
"""Which sizes are tried: those that attributes of the model name, a few usual ones, or all that may do."""

Watch = Callable[[Callable[[], object]], "Meetings"]
"""Runs a forward and returns where its tensors meet (see :func:`meetings`)."""


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

    @property
    def symbols(self) -> list[str]:
        """The open sizes of its choices."""
        return sorted(set().union(*(choice.symbols for choice in self.choices)))

    def resized(self, **sizes: int) -> Trial:
        """The same choices at other sizes."""
        return Trial(self.choices, {**self.sizes, **sizes})


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
        self,
        slots: list[Slot],
        runs: Runs,
        fixed: Mapping[str, int],
        preferred: Mapping[str, Sequence[int]],
        watch: Watch,
        *,
        tries: int = TRIES,
    ) -> None:
        """Prepare a search.

        Args:
            slots: the parameters of forward to fill.
            runs: runs one forward and returns its exception, or None if it ran.
            fixed: open sizes that are not varied.
            preferred: open sizes to try first, the first ones before all others.
            watch: tells where the tensors of a forward meet.
            tries: how many forwards there may be.
        """
        self._slots = slots
        self._runs = runs
        self._watch = watch
        self._fixed = dict(fixed)
        self._preferred = {symbol: list(sizes) for symbol, sizes in preferred.items()}
        first = {symbol: sizes[0] for symbol, sizes in preferred.items() if sizes}
        self._first = {
            "B": 1,
            "E": 40,
            **{name: values[0] for name, values in USUAL.items()},
            **first,
            **fixed,
        }
        self._left = tries
        self._unverified: list[Trial] = []
        self._chance = False
        """Whether something ran by chance: then other choices have to run with a larger batch as well."""
        self._in_step = False
        """Whether there are sequences that may belong together, so that one is no vector that broadcasts."""
        self._spare: Trial | None = None
        """What runs only for a batch of one, where sequences may be meant."""

    def run(self, choices: list[list[Choice]]) -> Outcome:
        """Search and return the outcome.

        If forward needs values, which the meta device does not have, the first trial that gets as far as that
        is taken and marked as not verified.
        """
        outcome = Outcome()
        self._in_step = in_step(choices) is not None
        effort: Effort
        for number, (combination, likely) in enumerate(_by_likelihood(choices)):
            if self._left <= 0 or number >= _COMBINATIONS:
                break
            effort = "own sizes" if not likely else "thorough" if number < 4 else "usual sizes"
            found = self._sizes(combination, outcome, effort)
            if found is not None:
                outcome.found = found
                return outcome
            if self._spare is not None:
                self._left = min(self._left, _TRIES_WITH_A_SPARE)
            if self._unverified:
                self._left = min(self._left, _TRIES_WITHOUT_VALUES)
        if self._spare is not None:
            outcome.found = self._spare
        elif self._unverified:
            outcome.found, outcome.verified = self._unverified[0], False
        return outcome

    def _sizes(self, combination: tuple[Choice, ...], outcome: Outcome, effort: Effort) -> Trial | None:
        """Try one combination of choices, and vary its open sizes one after the other."""
        first = Trial(combination, self._first)
        failed = self._try(first)
        if failed is None:
            doubt = self._doubt(first)
            if doubt is None:
                return first
            first, failed = doubt
        outcome.failures.append((first, failed.error))
        if first.sizes["B"] != self._first["B"]:
            return None  # only a batch of one hides that the axes differ
        if failed.needs_values:
            self._unverified.append(first)
            return None
        for symbol in first.symbols:
            if symbol in self._fixed:
                continue
            found = self._vary(first, symbol, failed.error, effort, outcome)
            if found is not None:
                return found
        return None

    def _vary(
        self, trial: Trial, symbol: str, error: Exception, effort: Effort, outcome: Outcome
    ) -> Trial | None:
        unchanged = proposed = 0
        tried = {trial.sizes[symbol]}
        observed = _observed([], trial.sizes[symbol], error)
        waiting = self._candidates(symbol, trial.sizes[symbol], error, effort)
        solved: list[int] = []
        while self._left > 0 and (size := solved.pop(0) if solved else next(waiting, None)) is not None:
            if size in tried:
                continue
            tried.add(size)
            attempt = trial.resized(**{symbol: size})
            failed = self._try(attempt)
            if failed is None:
                if self._doubt(attempt, trial) is None:
                    return attempt
                return None  # the failure at the first size is the finding, and this one a coincidence
            if failed.needs_values:
                self._unverified.append(attempt)
                return None
            if _is_past(error, failed.error):
                outcome.failures.append((attempt, failed.error))
            unchanged += _is_same(failed.error, error)
            if unchanged >= 2:
                return None  # the size is not the cause
            observed = _observed(observed, size, failed.error)
            met = mismatch(failed.error)
            if effort == "own sizes" and met is not None and size in met:
                solved += [other for other in met if other != size]
            if effort != "usual sizes" and proposed < _PROPOSED:
                least = _LEAST_NAMED.get(symbol, 2)
                asked = [size for size in proposals(observed) if size >= least and size not in tried]
                asked = asked[: _PROPOSED - proposed]
                proposed += len(asked)
                solved = [*asked, *solved]
        return self._halve(trial, symbol, error, outcome) if effort == "thorough" else None

    def _candidates(self, symbol: str, current: int, error: Exception, effort: Effort) -> Iterator[int]:
        """Sizes to try: those of attributes, those that the message names beside this one, the usual."""
        yield from self._preferred.get(symbol, ())
        if effort == "own sizes":
            return
        named = numbers(error)
        if current in named:
            yield from (number for number in named if number >= _LEAST_NAMED.get(symbol, 2))
        yield from USUAL[symbol][: 9 if effort == "thorough" else 4]

    def _halve(self, trial: Trial, symbol: str, error: Exception, outcome: Outcome) -> Trial | None:
        """Find by bisection the size at which a layer after a flatten gets as many values as it takes.

        The number of values grows with the size. If both numbers of the mismatch change with the size, there
        is no such layer: ``x + conv(x)`` without padding only fits where one pixel is left to broadcast.
        """
        wanted = set(mismatch(error) or ())
        low, high = 2, 2048
        while wanted and low < high and self._left > 0:
            size = (low + high) // 2
            attempt = trial.resized(**{symbol: size})
            failed = self._try(attempt)
            if failed is None:
                found = self._evened(attempt, symbol)
                return found if self._doubt(found, trial) is None else None
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
        smaller = trial.resized(**{symbol: trial.sizes[symbol] - 1})
        return smaller if trial.sizes[symbol] % 2 and self._try(smaller) is None else trial

    # -- sizes that fit by chance -----------------------------------------------------------------

    def _doubt(self, trial: Trial, failed: Trial | None = None) -> tuple[Trial, FailedRun] | None:
        """Why the sizes of ``trial``, which runs, are not meant: it at other sizes, and what it raises there.

        Args:
            trial: what ran.
            failed: the same choices at the sizes that were tried first, which did not run.
        """
        at = self._meetings(trial)
        wider = trial.resized(B=_LARGER_BATCH)
        strict = self._chance or self._in_step
        if strict and joins_ranks(at) and (raised := self._try(wider)) is not None:
            self._spare = self._spare or (None if self._chance else trial)
            return wider, raised
        others = [failed] if failed is not None else []
        if joins_ranks(at) or repeats_data(at):
            others += [
                trial.resized(**{symbol: trial.sizes[symbol] + _APART})
                for symbol in trial.symbols
                if symbol not in self._fixed
            ]
        for other in others:
            there = self._meetings(other)
            if is_stretched(at, there) or is_by_chance(at, there, lambda: self._meetings(wider)):
                self._chance = True
                raised = self._try(other)
                if raised is not None:
                    return other, raised
        return None

    def _meetings(self, trial: Trial) -> Meetings:
        args, kwargs = trial.arguments(self._slots)
        self._left -= 1
        return self._watch(lambda: self._runs(args, kwargs))

    def _try(self, trial: Trial) -> FailedRun | None:
        self._left -= 1
        args, kwargs = trial.arguments(self._slots)
        return self._runs(args, kwargs)


def _observed(before: list[Observation], size: int, error: Exception) -> list[Observation]:
    pair = mismatch(error)
    return before if pair is None else [*before, (size, pair)]


def _is_same(failure: Exception, error: Exception) -> bool:
    """Whether two failures are of the same sizes, or say the same where they name none that differ."""
    sizes = mismatch(failure)
    return str(failure) == str(error) if sizes is None else sizes == mismatch(error)


def _is_past(error: Exception, failure: Exception) -> bool:
    """Whether ``failure`` is later in the model than ``error``: the two name no size in common."""
    before, now = mismatch(error), mismatch(failure)
    return before is not None and not too_small(failure) and not set(before) & set(now or ())


def _by_likelihood(choices: list[list[Choice]]) -> Iterator[tuple[tuple[Choice, ...], bool]]:
    """Combinations of one choice for each parameter, the likeliest first, each with whether it is likely."""
    ranges = [range(min(len(options), 12)) for options in choices]
    combinations = itertools.islice(itertools.product(*ranges), 20_000)
    ordered = sorted(combinations, key=lambda indices: (sum(indices), max(indices, default=0)))
    likely = (
        (tuple(options[index] for options, index in zip(choices, combination, strict=True)), True)
        for combination in ordered
    )
    yield from itertools.islice(likely, 1)
    if (alike := in_step(choices)) is not None:
        yield alike, False
    yield from likely
