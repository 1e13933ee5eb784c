"""What passes between the processes: one line of JSON each, plain data only.

Nothing the user's code made is unpickled, and what does not look like a message is not believed.
"""

from __future__ import annotations

from typing import Any

import msgspec

from skiplint.run.outcome import Outcome
from skiplint.sources.footprint import Footprint


class Unit(msgspec.Struct, frozen=True):
    """The smallest piece of work that goes to one process: a target, or one file of a folder."""

    target: str
    member: bool = False
    """A file of a folder, which, unlike one that is named, is never run as a program."""


class Request(msgspec.Struct, frozen=True):
    """To a worker: carry out ``unit``."""

    unit: Unit
    leave_out: tuple[int, ...] = ()
    """Numbers of models that are done already or that have ended a worker."""


class Named(msgspec.Struct, frozen=True):
    """A model that a unit holds, before anything is done with it."""

    target: str
    name: str
    path: str | None = None
    line: int | None = None


class Event(msgspec.Struct, frozen=True, tag=True):
    """From a worker; what happens, in the order in which it happens."""


class Ready(Event, frozen=True):
    """Torch is imported, and the worker waits for a request."""


class Unfit(Event, frozen=True):
    """The worker cannot do its work at all; ``reason`` is one line."""

    reason: str
    detail: str = ""


class Found(Event, frozen=True):
    """The models of the unit, in order."""

    models: tuple[Named, ...]


class Working(Event, frozen=True):
    """``model`` is at work; ``stage`` says at what, as in "while its forward ran"."""

    model: int
    stage: str


class Made(Event, frozen=True):
    """``model`` is done."""

    model: int
    outcome: Outcome


class Finished(Event, frozen=True):
    """The unit is done. ``footprint`` is what it depended on; None where it must not be kept."""

    footprint: Footprint | None = None


class Died(Event, frozen=True):
    """The process at work ended with ``code`` (negative: by that signal)."""

    code: int
    trace: str = ""
    """Where its threads were, as :mod:`faulthandler` writes it."""


AnyEvent = Ready | Unfit | Found | Working | Made | Finished | Died

# A remedy may hold a value of the model's, which people read only.
_encoder = msgspec.json.Encoder(enc_hook=str)


def encode(message: Any) -> bytes:
    """``message`` as one line."""
    return _encoder.encode(message) + b"\n"


def event_decoder() -> msgspec.json.Decoder[AnyEvent]:
    """For what a worker says; raises :class:`msgspec.ValidationError` or ``DecodeError`` on anything else."""
    return msgspec.json.Decoder(AnyEvent)
