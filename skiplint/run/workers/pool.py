"""Several worker processes and the units of work that they are given.

A worker says what it is at while it is at it, so when it ends before its time, the parent knows which model
ended it: that model has failed, and the next worker goes on behind it.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from skiplint.reporting.report import ModelReport
from skiplint.run.outcome import Outcome, untraced
from skiplint.run.workers.deaths import how_it_ended, place_in
from skiplint.run.workers.lane import Inbox, Lane
from skiplint.run.workers.limits import Workers
from skiplint.run.workers.messages import (
    AnyEvent,
    Died,
    Finished,
    Found,
    Made,
    Named,
    Ready,
    Request,
    Unfit,
    Unit,
    Working,
)
from skiplint.sources.footprint import Footprint

_START_LIMIT = 600.0
"""Seconds that the import of torch may take."""
_GRACE = 0.5
"""Seconds in which a worker writes down where it is before it is killed."""
_IMPORTING = "it was imported"


class WorkerError(Exception):
    """Worker processes cannot do their work at all; ``str()`` is one line that says why."""

    def __init__(self, message: str, detail: str = "") -> None:
        """Say why in ``message``; ``detail`` is a traceback."""
        super().__init__(message)
        self.detail = detail


@dataclass(frozen=True)
class UnitResult:
    """Everything that one unit gave, in the order of its models."""

    outcomes: tuple[Outcome, ...]
    footprint: Footprint | None
    """What it depended on; None where it must not be kept, because a process ended or a file changed."""


@dataclass
class _Attempt:
    """A unit at work."""

    number: int
    unit: Unit
    named: tuple[Named, ...] | None = None
    done: dict[int, Outcome] = field(default_factory=dict)
    model: int | None = None
    stage: str = _IMPORTING
    intact: bool = True
    """No process has ended over it."""
    spared: int = -1
    """How many models were done when a process last ended between two of them."""

    def left(self) -> list[int]:
        """Numbers of the models that are not done."""
        return [number for number in range(len(self.named or ())) if number not in self.done]

    def fail(self, reason: str, detail: str) -> None:
        """Hold the death of a process against what was at work: one model, or all that is left.

        Between two models it is the one before that did the damage (its memory was not free yet, say), and
        the rest gets another process; a second time at the same place, all that is left fails.
        """
        self.intact = False
        if self.named is not None and self.model is None and len(self.done) > self.spared:
            self.spared = len(self.done)
            return
        if self.named is None:
            self.named = (Named(self.unit.target, self.unit.target),)
        for number in self.left() if self.model is None else [self.model]:
            named = self.named[number]
            report = ModelReport(
                target=named.target,
                name=named.name,
                path=named.path,
                line=named.line,
                status="failed",
                reason=reason,
                detail=detail,
            )
            self.done[number] = untraced(report)
        self.model, self.stage = None, _IMPORTING

    def result(self, footprint: Footprint | None) -> UnitResult:
        """What came out of it."""
        outcomes = tuple(self.done[number] for number in sorted(self.done))
        return UnitResult(outcomes, footprint if self.intact else None)


@dataclass
class _Place:
    """A lane, what it is at, and when it must be done with that."""

    lane: Lane
    attempt: _Attempt | None = None
    deadline: float = 0.0
    ready: bool = False
    late: bool = False
    """It has been told to end its worker."""


class Pool:
    """Worker processes for one run; a context manager, so that none of them is left behind."""

    def __init__(self, workers: Workers, job: bytes, progress: Callable[[str], None]) -> None:
        """Set up a pool; processes start in :meth:`run`.

        Args:
            workers: how many there are, and their limits.
            job: what all units share, for the child to make sense of.
            progress: called with the target of each model when it is begun.
        """
        self._workers = workers
        self._job = job
        self._progress = progress
        self._inbox: Inbox = queue.SimpleQueue()
        self._places: list[_Place] = []
        self._waiting: deque[_Attempt] = deque()
        self._share = 1

    def __enter__(self) -> Pool:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *error: object) -> None:
        for place in self._places:
            place.lane.close()

    def run(self, units: Sequence[Unit]) -> Iterator[tuple[int, UnitResult]]:
        """Carry out ``units``; give the number and the result of each when it is done, in any order.

        Raises:
            WorkerError: no worker can be started.
        """
        self._waiting.extend(_Attempt(number, unit) for number, unit in enumerate(units))
        self._share = self._workers.count(len(units))
        for _ in range(self._share if units else 0):
            self._places.append(_Place(self._start(), deadline=time.monotonic() + _START_LIMIT))
        left = len(units)
        while left:
            place, event = self._next()
            if place is None:
                continue
            for attempt, footprint in self._heed(place, event):
                left -= 1
                yield attempt.number, attempt.result(footprint)

    def _start(self) -> Lane:
        try:
            return Lane(self._workers, self._job, self._inbox, share=self._share)
        except OSError as error:
            raise WorkerError(
                f"no worker process could be started: {error}; --jobs 0 does without"
            ) from error

    def _next(self) -> tuple[_Place | None, AnyEvent]:
        """The next event, and its place if the lane is still in use; ends workers whose time is over."""
        while True:
            now = time.monotonic()
            for place in self._places:
                if place.deadline and place.deadline <= now:
                    self._end(place)
            deadline = min((place.deadline for place in self._places if place.deadline), default=now + 60)
            try:
                lane, event = self._inbox.get(timeout=max(0.0, deadline - now))
            except queue.Empty:
                continue
            return next((place for place in self._places if place.lane is lane), None), event

    def _end(self, place: _Place) -> None:
        if not place.ready and place.attempt is None:
            raise WorkerError("a worker process is not ready after 10 minutes; --jobs 0 does without")
        place.late, place.deadline = True, 0.0
        place.lane.end_worker()

    def _heed(self, place: _Place, event: AnyEvent) -> Iterator[tuple[_Attempt, Footprint | None]]:
        """Act on one event; gives the attempt that is done with it, if any."""
        attempt = place.attempt
        if isinstance(event, Unfit):
            raise WorkerError(f"a worker process failed to start: {event.reason}", event.detail)
        if isinstance(event, Died):
            yield from self._bury(place, event)
        elif isinstance(event, Ready):
            place.ready = True
            self._give(place)
        elif attempt is None or place.late:
            return
        elif isinstance(event, Finished):
            place.attempt = None
            self._give(place)
            yield attempt, event.footprint
        else:
            self._note(place, attempt, event)

    def _note(self, place: _Place, attempt: _Attempt, event: Found | Working | Made) -> None:
        if isinstance(event, Found):
            attempt.named = event.models
        elif isinstance(event, Made):
            attempt.done[event.model] = event.outcome
            attempt.model, attempt.stage = None, _IMPORTING
        else:
            attempt.stage = event.stage
            if attempt.model == event.model:
                return
            attempt.model = event.model
            self._progress((attempt.named or ())[event.model].target)
        self._set_clock(place)

    def _give(self, place: _Place) -> None:
        """The next unit, or nothing more to do."""
        place.late = False
        if place.attempt is None and self._waiting:
            place.attempt = self._waiting.popleft()
        place.deadline = 0.0
        if place.attempt is not None:
            leave_out = tuple(sorted(place.attempt.done))
            place.lane.send(Request(place.attempt.unit, leave_out))
            self._set_clock(place)

    def _set_clock(self, place: _Place) -> None:
        limit = self._workers.timeout
        place.deadline = time.monotonic() + limit + _GRACE if limit else 0.0

    def _bury(self, place: _Place, death: Died) -> Iterator[tuple[_Attempt, Footprint | None]]:
        """A process has ended: hold it against the model that was at work, and go on with a new one."""
        attempt, was_late = place.attempt, place.late
        lane_is_gone = not place.lane.alive
        if attempt is None and not place.ready:
            raise WorkerError(
                f"a worker process failed to start: {how_it_ended(death.code)}; --jobs 0 does without"
            )
        place.ready, place.deadline, place.late = False, time.monotonic() + _START_LIMIT, False
        if attempt is not None:
            attempt.fail(self._reason(attempt, death, late=was_late), death.trace)
            if not attempt.left():
                place.attempt = None
                yield attempt, None
        if lane_is_gone:
            place.lane.close()
            if place.attempt is None and not self._waiting:
                self._places.remove(place)
            else:
                place.lane = self._start()

    def _reason(self, attempt: _Attempt, death: Died, *, late: bool) -> str:
        named = attempt.named[attempt.model] if attempt.named and attempt.model is not None else None
        where = place_in(death.trace, named.path if named else attempt.unit.target)
        if late:
            limit = f"{self._workers.timeout:g} s"
            return f"it took longer than {limit} while {attempt.stage}{where}; --timeout gives it more"
        return f"{how_it_ended(death.code, self._workers.memory_limit)} while {attempt.stage}{where}"
