"""Repair calls that fail on shapes, so that tracing can go on after them.

The call is run again with blank tensors in place of the operands that do not fit: a convolution gets an
input with the channels that it was built for, a sum gets two operands of one shape. If there are several
such corrections, the first one that runs gives the result. What the others give is kept as the shape of
the result in another *world*, and the calls after it are run in these worlds too. A later call that fails is
first tried in the other worlds: if it runs in one of them, that correction was the right one, and the later
call is no further fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.graph import Fault
from skiplint.operators import Family
from skiplint.tracing.execution.errors import SHAPE_ERRORS
from skiplint.tracing.execution.strict import called
from skiplint.tracing.recording.trees import walk
from skiplint.tracing.recovery.calls import Call, Choice, Shape
from skiplint.tracing.recovery.candidates import candidates
from skiplint.tracing.recovery.join_readings import concatenated, is_concatenation, kept_axis
from skiplint.tracing.recovery.layouts import Layouts
from skiplint.tracing.recovery.widths import Widths

_MOST_WORLDS = 12
"""The number of worlds in which a call is run."""
_MOST_ORIGINS = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """A call corrected in another way than the first, and what that says of its fault."""

    record: int
    choice: Choice
    ran: bool = False
    """Whether the call ran: a concatenation whose axis may be another one than was meant."""
    rank: int = field(default=0, compare=False)
    """The number of likelier corrections of the call."""


World = frozenset[Origin]
"""Calls that are corrected in another way together; the trace goes on in the empty world."""
HERE: World = frozenset()


@dataclass(frozen=True, slots=True)
class Repair:
    """The result with which the trace goes on after a call that failed."""

    result: Any
    choice: Choice | None
    """What is wrong with the call; None if it fails only because of an earlier fault."""
    ratio: Fraction | None = None
    """The number of elements that the operand should have, relative to what it has."""
    world: World = HERE
    """The world in which the call runs."""


class Repairs:
    """Repairs the calls of one trace, and keeps their faults and the worlds in which they run."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._readings: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        """For each tensor its shapes in other worlds."""
        self._ratios: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self._variants: dict[int, dict[World, Choice]] = {}
        """What is wrong with a call in other worlds."""
        self._read: dict[int, dict[World, set[Choice]]] = {}
        """For each failed call the worlds in which it was corrected, and the other corrections there."""
        self._settled: World = HERE
        self._widths, self._layouts = Widths(), Layouts()

    @property
    def faults(self) -> list[Fault]:
        """The faults so far, in execution order."""
        return [self._faults[record] for record in sorted(self._faults)]

    def as_settled(self, call: Call) -> Call:
        """Return the call with its operands in the world that earlier calls have shown to be right."""
        if not self._settled:
            return call
        meant = self._read_in(call, self._settled)
        if meant is None:
            return call
        if meant is not call:
            for before, after in zip(call.tensors, meant.tensors, strict=True):
                if before is not after:
                    self._readings[after] = self._known(before)
        return meant

    def mend(self, call: Call) -> Repair | None:
        """Return the result to go on with after a call that failed; None if nothing corrects it."""
        for world in self._worlds(call)[: 2 * _MOST_WORLDS]:
            if all(not origin.ran or _wants(call, origin) for origin in world) and self._tells(call, world):
                ran, result = self._run_in(call, world)
                if ran:
                    self._settle(world)
                    return Repair(result, None, world=world)
        found = next(self._outcomes(call, call), None)
        if found is None:
            return None
        result, choice = found
        ratio = _ratio(call, choice)
        if ratio is not None and self._undoes(call, choice, ratio):
            return Repair(result, None)
        kept = choice.kind == "shape" and call.op.is_a(Family.SIZED_RESHAPE)
        return Repair(result, choice, ratio if kept else None)

    def _tells(self, call: Call, world: World) -> bool:
        """Whether it is evidence for ``world`` that the call runs in it.

        A concatenation along a wrong axis runs after another one along the same wrong axis.
        """
        if not is_concatenation(call):
            return True
        otherwise = [self._faults.get(origin.record) for origin in world if origin.choice.axis is None]
        return all(fault is None or fault.axis is None for fault in otherwise)

    def failed(self, record: int, call: Call, repair: Repair, message: str) -> None:
        """Note the fault of a call that failed, and the results of its other corrections.

        Args:
            record: the index of the call.
            call: the call as it failed.
            repair: what :meth:`mend` returned for it.
            message: the error, on one line.
        """
        self._layouts.note(call, repair.result)
        choice, meant = repair.choice, self._read_in(call, repair.world)
        if choice is None and is_concatenation(call) and meant is not None:
            self._note_axis(record, meant, repair.result)
        bases = (HERE, *self._worlds(call)[:_MOST_WORLDS])
        self._read[record] = {base: set() for base in bases}
        for base in bases:
            if any(origin.ran for origin in base - repair.world):
                self._remember(repair.result, None, base)
                continue
            ran, result = self._run_in(call, _instead(repair.world, base))
            if ran:
                self._remember(repair.result, result, base - repair.world)
            elif choice is not None:
                self._read_otherwise(record, call, repair, base)
        if choice is None:
            return
        self._faults[record] = _fault(record, choice, message)
        if repair.ratio is not None and isinstance(repair.result, Tensor):
            self._ratios[repair.result] = repair.ratio

    def _read_otherwise(self, record: int, call: Call, repair: Repair, base: World) -> None:
        """Remember what a failing call gives in ``base`` with its first and its other corrections."""
        read = self._read_in(call, base)
        if read is None:
            self._remember(repair.result, None, base)
            return
        for place, (other, chosen) in enumerate(self._outcomes(read, call)):
            world = base if place == 0 else base | {Origin(record, chosen, rank=place)}
            if len(world) > _MOST_ORIGINS:
                break
            if place and chosen.blame == "operand" and not self._blame(call, chosen, world):
                continue
            self._read[record][base].add(chosen)
            self._variants.setdefault(record, {}).setdefault(base, chosen)
            self._remember(repair.result, other, world)

    def ran(self, record: int, call: Call, result: Any) -> None:
        """Note a call that ran, and the shapes of its result in the other worlds of its operands."""
        if is_concatenation(call):
            self._note_axis(record, call, result)
        self._layouts.note(call, result)
        self._widths.note(call, result, takes_one=call.feature_axis is not None)
        if not self._readings and not self._ratios:
            return
        for tensor in call.tensors:
            ratio = self._ratios.get(tensor)  # type: ignore[no-untyped-call]
            if ratio is not None and call.feature_axis is None:
                for _, made in walk(result):
                    self._ratios[made] = ratio
        for place, world in enumerate(self._worlds(call)):
            left = place >= _MOST_WORLDS or (is_concatenation(call) and any(origin.ran for origin in world))
            ran, other = (False, None) if left else self._run_in(call, world)
            self._remember(result, other if ran else None, world)

    def _outcomes(self, call: Call, given: Call) -> Iterator[tuple[Any, Choice]]:
        """The results of the corrections of a call; ``given`` is the call as it was made."""
        for candidate in candidates(call):
            shapes = tuple(call.shapes)
            choice = replace(candidate.choice, actual=shapes[candidate.choice.operand], shapes=shapes)
            if not self._layouts.allows(given, choice):
                continue
            if candidate.call is None:
                ran, result = True, torch.empty_like(call.tensors[0])
            else:
                ran, result = _run(candidate.call)
            if ran:
                yield result, choice

    def _blame(self, call: Call, choice: Choice, world: World) -> bool:
        """Note that the operand was meant to have another width; False if its width is certain."""
        tensor = call.tensors[choice.operand]
        if self._widths.is_settled(tensor):
            return False
        for source, shape in self._widths.upstream(tensor, choice.expected):
            known = self._known(source)
            if world not in known:
                self._readings[source] = {**known, world: shape}
        return True

    def _note_axis(self, record: int, call: Call, result: Any) -> None:
        """Operands of one shape concatenate along any axis: note what the axis of the features gives."""
        shapes = call.shapes
        if len(set(shapes)) != 1 or len(shapes) < 2 or len(shapes[0]) < 2:
            return
        axis, rank = kept_axis(call), len(shapes[0])
        if axis is None:
            return
        for other in {1, rank - 1} if rank == 3 else {1}:  # (N, T, C) or (N, C, L); else (N, C, ...)
            if other != axis:
                ran, meant = _run(concatenated(call, other))
                if ran:
                    choice = Choice("join", 0, shapes[0], axis=other, actual=shapes[0], shapes=tuple(shapes))
                    self._remember(result, meant, frozenset({Origin(record, choice, ran=True)}))

    def _remember(self, result: Any, other: Any, world: World) -> None:
        """Note that ``result`` has the shapes of ``other`` in ``world``; None: the world has ended here."""
        made = [tensor for _, tensor in walk(result)]
        meant = [tuple(map(int, tensor.shape)) for _, tensor in walk(other)]
        if not world or (other is not None and len(made) != len(meant)):
            return
        for place, tensor in enumerate(made):
            known, shape = self._known(tensor), None if other is None else meant[place]
            if tuple(tensor.shape) != shape and world not in known:
                self._readings[tensor] = {**known, world: shape}

    def _known(self, tensor: Tensor) -> dict[World, Shape | None]:
        return self._readings.get(tensor) or {}  # type: ignore[no-untyped-call]

    def _worlds(self, call: Call) -> list[World]:
        """The worlds in which an operand has another shape, and their combinations, simple ones first."""
        found: list[World] = []
        for tensor in call.tensors:
            own = list(self._known(tensor))
            if own:
                together = (one | other for one in own for other in found)
                both = dict.fromkeys([*found, *own, *(world for world in together if self._holds(world))])
                # A concatenation of fifty operands, each with a few readings, has them in every combination.
                found = sorted(both, key=_unlikely)[: 4 * _MOST_WORLDS]
        return found

    def _holds(self, world: World) -> bool:
        """Whether the world is possible: each correction is one of those that the others leave."""
        if not _consistent(world):
            return False
        for origin in world:
            read = self._read.get(origin.record, {})
            bases = [base for base in read if base <= world - {origin}]
            nearest = max(map(len, bases), default=0)
            if bases and not any(origin.choice in read[base] for base in bases if len(base) == nearest):
                return False
        return True

    def _read_in(self, call: Call, world: World) -> Call | None:
        """The call with its operands as they are in ``world``; None if that has ended before."""
        shapes: dict[int, Shape] = {}
        for place, tensor in enumerate(call.tensors):
            known = self._known(tensor)
            inside = [each for each in known if each <= world]
            if inside:
                shape = known[max(inside, key=len)]
                if shape is None:
                    return None
                shapes[place] = shape
        return call.resized(shapes) if shapes else call

    def _run_in(self, call: Call, world: World) -> tuple[bool, Any]:
        read = self._read_in(call, world)
        return (False, None) if read is None else _run(read)

    def _settle(self, world: World) -> None:
        """Take ``world``, in which a later call runs, for the right one, and correct the faults so far."""
        self._settled = _instead(self._settled, world)
        meant = {origin.record: origin.choice for origin in self._settled}
        for record, variants in self._variants.items():
            inside = [each for each in variants if each <= self._settled]
            if record in self._faults and record not in meant and inside:
                meant[record] = variants[max(inside, key=len)]
        for record, choice in meant.items():
            known = self._faults.get(record)
            self._faults[record] = _fault(record, choice, known.message if known is not None else "")

    def _undoes(self, call: Call, choice: Choice, ratio: Fraction) -> bool:
        """Whether the call fails only because an earlier reshape changed the number of elements."""
        earlier = self._ratios.get(call.tensors[choice.operand])  # type: ignore[no-untyped-call]
        return earlier is not None and earlier * ratio == 1


def _fault(record: int, choice: Choice, message: str) -> Fault:
    return Fault(
        record,
        choice.kind,
        choice.operand,
        choice.expected,
        message,
        actual=choice.actual,
        axis=choice.axis,
        shapes=choice.shapes,
        blame=choice.blame,
    )


def _unlikely(world: World) -> tuple[int, int]:
    return len(world), sum(origin.rank for origin in world)


def _instead(base: World, world: World) -> World:
    """``base`` and ``world`` together; calls that both correct are corrected as in ``world``."""
    read = {origin.record for origin in world}
    return frozenset(origin for origin in base if origin.record not in read) | world


def _consistent(world: World) -> bool:
    """Whether no call is corrected in two ways, and not too many are."""
    return len({origin.record for origin in world}) == len(world) <= _MOST_ORIGINS


def _wants(call: Call, origin: Origin) -> bool:
    """Whether the call is a layer with features on the axis along which ``origin`` would concatenate."""
    axis = call.feature_axis
    if axis is None or origin.choice.axis is None:
        return False
    return axis % len(call.shapes[0]) == origin.choice.axis


def _run(call: Call) -> tuple[bool, Any]:
    try:
        return True, called(call.function, call.args, call.kwargs)
    except SHAPE_ERRORS:
        return False, None


def _ratio(call: Call, choice: Choice) -> Fraction | None:
    """The number of elements that the operand should have, relative to what it has."""
    have, want = call.tensors[choice.operand].numel(), 1
    for size in choice.expected:
        want *= size
    return Fraction(want, have) if have and want and have != want else None
