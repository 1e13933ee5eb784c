"""Several worker processes and the units of work that they do.

A worker says what it does while it does it, so when it ends before its time, the parent knows which item
ended it: that item is lost, and the next worker goes on after it.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from skiplint.run.workers.deaths import OUT_OF_MEMORY, how_it_ended, place_in
from skiplint.run.workers.lane import Inbox, Lane
from skiplint.run.workers.limits import Workers
from skiplint.run.workers.messages import (
    AnyEvent,
    Assignment,
    Died,
    Finished,
    Found,
    Item,
    Made,
    Ready,
    Unfit,
    Unit,
    Unsendable,
    Working,
    whole,
)

_START_LIMIT = 600.0
"""Seconds in which a worker must be ready."""
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
class Lost:
    """An item without a result."""

    item: Item
    reason: str
    """One line."""
    while_doing: str = ""
    """What was done with it, and where in its code, as in "its forward ran, in line 9"."""
    detail: str = ""
    """Where the threads of its process were."""
    out_of_memory: bool = False
    unsendable: bool = False
    """It was done, and its result could not be sent: the fault of whoever made that."""


@dataclass(frozen=True)
class Completed:
    """A unit is done."""

    end: msgspec.Raw | None
    """The result of the unit itself; None where a process ended over it."""


@dataclass(frozen=True)
class ItemDone:
    """One item of a unit is done."""

    item: int
    result: msgspec.Raw | Lost


Happening = Found | Working | ItemDone | Completed
"""What happens to a unit: its items are found, each is worked on and done, and then all of it is."""


@dataclass
class _Attempt:
    """A unit at work."""

    number: int
    unit: Unit
    items: tuple[Item, ...] | None = None
    done: dict[int, msgspec.Raw | Lost] = field(default_factory=dict)
    item: int | None = None
    """The one at work."""
    stage: str = _IMPORTING
    told: set[int] = field(default_factory=set)
    """Items whose end has been told."""
    listed: bool = False
    """Its items have been told."""
    intact: bool = True
    """No process has ended over it."""
    spared: int = -1
    """How many items were done when a process last ended between two of them."""

    def left(self) -> list[int]:
        """Numbers of the items that are not done."""
        return [number for number in range(len(self.items or ())) if number not in self.done]

    def end(self, item: int, result: msgspec.Raw | Lost) -> None:
        """Note that ``item`` is done."""
        self.done[item] = result
        self.item, self.stage = None, _IMPORTING

    def at_work(self) -> Item | None:
        """The item at work, if one is."""
        return self.items[self.item] if self.items and self.item is not None else None

    def lose(
        self, reason: str, *, while_doing: str = "", detail: str = "", out_of_memory: bool = False
    ) -> None:
        """Hold the death of a process against what was at work: one item, or all that is left.

        Between two items it is the one before that did the damage (its memory was not free yet, say), and
        the rest gets another process; a second time at the same place, all that is left is lost.

        Args:
            reason: why the process ended.
            while_doing: what was being done.
            detail: where its threads were.
            out_of_memory: whether it ended for lack of memory.
        """
        self.intact = False
        if self.items is not None and self.item is None and len(self.done) > self.spared:
            self.spared = len(self.done)
            return
        if self.items is None:
            self.items = (whole(self.unit),)
        for number in self.left() if self.item is None else [self.item]:
            self.end(number, Lost(self.items[number], reason, while_doing, detail, out_of_memory))

    def news(self) -> Iterator[Happening]:
        """What has not been told yet: which items there are, and those that are done."""
        if self.items is not None and not self.listed:
            self.listed = True
            yield Found(self.items)
        for number in sorted(self.done.keys() - self.told):
            self.told.add(number)
            yield ItemDone(number, self.done[number])

    def completed(self, end: msgspec.Raw | None) -> Completed:
        """What came of the unit."""
        return Completed(end if self.intact else None)


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
    """Worker processes for one run; a context manager, so that all of them end with it."""

    def __init__(self, workers: Workers, entry: str, setup: bytes) -> None:
        """Set up a pool; processes start in :meth:`run`.

        Args:
            workers: how many there are, and their limits.
            entry: what they are for, as ``module:function``; see
                :data:`~skiplint.run.workers.messages.Entry`.
            setup: JSON that all units share, for the entry to read.
        """
        self._workers = workers
        self._entry = entry
        self._setup = setup
        self._inbox: Inbox = queue.SimpleQueue()
        self._places: list[_Place] = []
        self._waiting: deque[_Attempt] = deque()
        self._share = 1

    def __enter__(self) -> Pool:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.ExitStack() as closing:  # All of them, also where closing one is interrupted.
            for place in self._places:
                closing.callback(place.lane.close)

    def run(self, units: Sequence[Unit]) -> Iterator[tuple[int, Happening]]:
        """Do ``units``; tell what happens, as it happens, each with the number of its unit.

        Units come in any order, the items of one in theirs.

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
            for number, happening in self._heed(place, event):
                left -= isinstance(happening, Completed)
                yield number, happening

    def _start(self) -> Lane:
        try:
            return Lane(self._workers, self._entry, self._setup, self._inbox, share=self._share)
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

    def _heed(self, place: _Place, event: AnyEvent) -> Iterator[tuple[int, Happening]]:
        """Act on one event; tell what has happened to the unit that it concerns."""
        attempt = place.attempt
        if isinstance(event, Unfit):
            raise WorkerError(f"a worker process failed to start: {event.reason}", event.detail)
        if isinstance(event, Died):
            over = self._bury(place, event)
            yield from self._news(attempt, over=over, end=None)
        elif isinstance(event, Ready):
            place.ready = True
            self._give(place)
        elif attempt is None or place.late:
            return
        elif isinstance(event, Finished):
            place.attempt = None
            self._give(place)
            yield from self._news(attempt, over=True, end=event.result)
        else:
            self._note(place, attempt, event)
            if isinstance(event, Working):
                yield attempt.number, event
            yield from self._news(attempt, over=False, end=None)

    def _news(
        self, attempt: _Attempt | None, *, over: bool, end: msgspec.Raw | None
    ) -> Iterator[tuple[int, Happening]]:
        if attempt is not None:
            for happening in attempt.news():
                yield attempt.number, happening
            if over:
                yield attempt.number, attempt.completed(end)

    def _note(self, place: _Place, attempt: _Attempt, event: Found | Working | Made | Unsendable) -> None:
        if isinstance(event, Found):
            attempt.items = event.items
        elif isinstance(event, Made):
            attempt.end(event.item, event.result)
        elif isinstance(event, Unsendable):
            item = (attempt.items or ())[event.item]
            attempt.end(event.item, Lost(item, event.reason, unsendable=True))
        else:
            attempt.stage = event.stage
            if attempt.item == event.item:
                return
            attempt.item = event.item
        self._set_clock(place)

    def _give(self, place: _Place) -> None:
        """Send the rest of the unit at work, else the next unit, if there is one."""
        place.late = False
        if place.attempt is None and self._waiting:
            place.attempt = self._waiting.popleft()
        place.deadline = 0.0
        if place.attempt is not None:
            leave_out = tuple(sorted(place.attempt.done))
            place.lane.send(Assignment(place.attempt.unit, leave_out))
            self._set_clock(place)

    def _set_clock(self, place: _Place) -> None:
        limit = self._workers.timeout
        place.deadline = time.monotonic() + limit + _GRACE if limit else 0.0

    def _bury(self, place: _Place, death: Died) -> bool:
        """Hold the death of a process against the item that was at work, and go on with a new process.

        Returns:
            Whether nothing is left of the unit that was at work.
        """
        attempt, was_late = place.attempt, place.late
        lane_is_gone = not place.lane.alive
        if attempt is None and not place.ready:
            raise WorkerError(
                f"a worker process failed to start: {how_it_ended(death.code)}; --jobs 0 does without"
            )
        place.ready, place.deadline, place.late = False, time.monotonic() + _START_LIMIT, False
        over = False
        if attempt is not None:
            self._lose(attempt, death, late=was_late)
            if not attempt.left():
                place.attempt, over = None, True
        if lane_is_gone:
            place.lane.close()
            if place.attempt is None and not self._waiting:
                self._places.remove(place)
            else:
                place.lane = self._start()
        return over

    def _lose(self, attempt: _Attempt, death: Died, *, late: bool) -> None:
        item = attempt.at_work()
        doing = attempt.stage + place_in(death.trace, item.path if item else attempt.unit.target)
        if late:
            reason = f"it took longer than {self._workers.timeout:g} s"
            attempt.lose(reason, while_doing=f"{doing}; --timeout gives it more", detail=death.trace)
        else:
            full = death.code == OUT_OF_MEMORY
            reason = how_it_ended(death.code)
            attempt.lose(reason, while_doing=doing, detail=death.trace, out_of_memory=full)
