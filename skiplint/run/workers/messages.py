"""The messages between the processes: one line of JSON each, plain data only.

Nothing that the user's code made is unpickled, and a line that is no such message is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec


class Unit(msgspec.Struct, frozen=True):
    """The smallest piece of work that goes to one process: a target, or one file of a folder."""

    target: str
    member: bool = False
    """A file of a folder, which, unlike one that is named, is never run as a program."""


class Item(msgspec.Struct, frozen=True):
    """One of the things that a unit holds, such as a model of a file, before anything is done with it."""

    target: str
    name: str
    path: str | None = None
    line: int | None = None


def whole(unit: Unit) -> Item:
    """What stands for all items of ``unit`` where it is not known which there are."""
    return Item(unit.target, unit.target, unit.target if Path(unit.target).is_file() else None)


class Listener(Protocol):
    """Is told how the work on one unit goes, in the order in which it happens."""

    def found(self, items: Sequence[Item]) -> None:
        """The unit holds ``items``, which are numbered from 0."""

    def working(self, item: int, stage: str) -> None:
        """Work on ``item`` goes on; ``stage`` says with what, as in "while its forward ran"."""

    def made(self, item: int, result: Any) -> None:
        """``item`` is done, with this result."""

    def finished(self, result: Any) -> None:
        """The unit is done, with this result of its own."""


Work = Callable[[Unit, Listener, frozenset[int]], None]
"""Does a unit and tells the listener; leaves out items with the given numbers."""
Entry = Callable[[int], Callable[[bytes], Work]]
"""Prepares a process, which may use so many threads (0: any); what it returns makes the work of a setup."""


# -- to a worker --------------------------------------------------------------------------------------


class Start(msgspec.Struct, frozen=True):
    """The first message: what the process is for."""

    entry: str
    """An :data:`Entry`, as ``module:function``."""
    setup: msgspec.Raw
    """What all units share, for the entry to read."""
    timeout: float
    """Seconds after which the place of an item is written down; 0 for none."""
    memory: int
    """Bytes that the process may allocate; 0 for any."""
    threads: int
    fork: bool
    aloud: bool
    """Whether what the user's code prints goes to stderr; else nowhere."""


class Assignment(msgspec.Struct, frozen=True):
    """Do ``unit``."""

    unit: Unit
    leave_out: tuple[int, ...] = ()
    """Numbers of items that are done already or that have ended a worker."""


# -- from a worker ------------------------------------------------------------------------------------


class Event(msgspec.Struct, frozen=True, tag=True):
    """Something that has happened."""


class Ready(Event, frozen=True):
    """The entry has prepared the process, which waits for an assignment."""


class Unfit(Event, frozen=True):
    """The worker cannot do its work at all; ``reason`` is one line."""

    reason: str
    detail: str = ""


class Found(Event, frozen=True):
    """The unit holds these items."""

    items: tuple[Item, ...]


class Working(Event, frozen=True):
    """Work on ``item`` goes on."""

    item: int
    stage: str


class Made(Event, frozen=True):
    """``item`` is done."""

    item: int
    result: msgspec.Raw


class Unsendable(Event, frozen=True):
    """``item`` is done, but its result cannot be sent: the fault of whoever made it."""

    item: int
    reason: str


class Finished(Event, frozen=True):
    """The unit is done."""

    result: msgspec.Raw


class Died(Event, frozen=True):
    """The process at work ended with ``code`` (negative: by that signal)."""

    code: int
    trace: str = ""
    """Where its threads were, as :mod:`faulthandler` writes it."""


AnyEvent = Ready | Unfit | Found | Working | Made | Unsendable | Finished | Died

# A result may hold a value of the user's, which people read only.
_encoder = msgspec.json.Encoder(enc_hook=str)


def encode(message: Any) -> bytes:
    """``message`` as one line of JSON, without its end."""
    return _encoder.encode(message)


def event_decoder() -> msgspec.json.Decoder[AnyEvent]:
    """A decoder of events; it raises :class:`msgspec.DecodeError` on anything else."""
    return msgspec.json.Decoder(AnyEvent)
