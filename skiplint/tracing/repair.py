"""What a call that fails on shapes was evidently meant to give, so that tracing can go on behind it.

The call is run again with blank tensors in place of the operands that do not fit: a convolution gets an
input of the channels it was built for, a sum gets two operands of one shape. Where two readings are
possible the other one is kept beside the result and handed on through the calls that can take it. The next
call that fails is first tried with that; if it runs, the other reading was the right one and there is no
further fault.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.graph import Fault
from skiplint.tracing.candidates import Call, Candidate, Choice, Shape, candidates
from skiplint.tracing.trees import walk

SHAPE_ERRORS = (RuntimeError, ValueError, IndexError)

_MOST_READINGS = 3
_LAYER_AXES = {
    **dict.fromkeys("conv1d conv2d conv3d batch_norm instance_norm group_norm".split(), 1),
    **dict.fromkeys("conv_transpose1d conv_transpose2d conv_transpose3d".split(), 1),
    **dict.fromkeys("linear layer_norm rms_norm".split(), -1),
}
"""The axis on which a layer wants a number of its own."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tensor's other reading comes from, and what it would say of the fault there."""

    record: int
    choice: Choice
    ran: bool = False
    """The call there ran, a concatenation along an axis that may not be the one that was meant."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A result in the place of a failed call's."""

    result: Any
    choice: Choice | None
    """What is wrong with the call; None where it only follows from an earlier fault."""
    others: tuple[tuple[Any, Choice], ...] = ()
    """Results of other readings."""
    ratio: Fraction | None = None
    """By how much the call changed the number of elements."""


class Repairs:
    """Repairs calls of one trace, keeps the faults, and remembers where two readings were possible."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._readings: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self._ratios: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    @property
    def faults(self) -> list[Fault]:
        """What was found so far, in execution order."""
        return [self._faults[record] for record in sorted(self._faults)]

    def mend(self, call: Call) -> Repair | None:
        """What to go on with behind a call that failed; None if its failure is not understood."""
        again = self._as_meant(call)
        if again is not None:
            return again
        found: list[tuple[Any, Choice]] = []
        for candidate in candidates(call):
            ran, result = _outcome(call, candidate)
            if ran:
                found.append((result, candidate.choice))
        if not found:
            return None
        result, choice = found[0]
        ratio = _ratio(call, choice)
        if ratio is not None and self._undoes(call, choice, ratio):
            return Repair(result, None)
        keeps = ratio if choice.kind == "shape" and call.name in ("view", "reshape") else None
        return Repair(result, choice, tuple(found[1:]), keeps)

    def failed(self, record: int, repair: Repair, message: str) -> None:
        """Note the fault of the call at ``record``."""
        if repair.choice is None:
            return
        choice = repair.choice
        self._faults[record] = Fault(
            record, choice.kind, choice.operand, choice.expected, message, choice.axis, choice.blame
        )
        for result, other in repair.others[: _MOST_READINGS - 1]:
            self._remember(repair.result, result, Origin(record, other))
        if repair.ratio is not None and isinstance(repair.result, Tensor):
            self._ratios[repair.result] = repair.ratio

    def ran(self, record: int, call: Call, result: Any) -> None:
        """Hand the other readings of a call's operands on to its result."""
        if call.name == "cat":
            self._note_axis(record, call, result)
        if not self._readings and not self._ratios:
            return
        for tensor in call.tensors:
            ratio = self._ratios.get(tensor)  # type: ignore[no-untyped-call]
            if ratio is not None and call.name not in _LAYER_AXES:
                for _, made in walk(result):
                    self._ratios[made] = ratio
        for origin in self._origins(call):
            if origin.ran and call.name == "cat":
                continue
            ran, other = _run(self._read_as(call, (origin,)))
            if ran:
                self._remember(result, other, origin)

    def _note_axis(self, record: int, call: Call, result: Any) -> None:
        """Operands of one shape concatenate along any axis; the features' may have been meant."""
        shapes, axis = call.shapes, call.argument(1, "dim", "axis", default=0)
        if len(set(shapes)) != 1 or len(shapes) < 2 or not isinstance(axis, int) or len(shapes[0]) < 2:
            return
        rank = len(shapes[0])
        for other in {1, rank - 1} if rank == 3 else {1}:  # (N, T, C) or (N, C, L); else (N, C, ...)
            if other != axis % rank:
                ran, meant = _run(call.along(other))
                if ran:
                    self._remember(result, meant, Origin(record, Choice("join", 0, shapes[0], other), True))

    def _remember(self, result: Any, other: Any, origin: Origin) -> None:
        made = [tensor for _, tensor in walk(result)]
        meant = [tuple(tensor.shape) for _, tensor in walk(other)]
        if len(made) != len(meant):
            return
        for tensor, shape in zip(made, meant, strict=True):
            if tuple(tensor.shape) != shape:
                known: dict[Origin, Shape] = self._readings.get(tensor) or {}  # type: ignore[no-untyped-call]
                if len(known) < _MOST_READINGS:
                    self._readings[tensor] = {**known, origin: shape}

    def _origins(self, call: Call) -> list[Origin]:
        found: dict[Origin, None] = {}
        for tensor in call.tensors:
            found.update(dict.fromkeys(self._readings.get(tensor) or ()))  # type: ignore[no-untyped-call]
        return list(found)

    def _read_as(self, call: Call, origins: tuple[Origin, ...]) -> Call:
        shapes: dict[int, Shape] = {}
        for place, tensor in enumerate(call.tensors):
            known: dict[Origin, Shape] = self._readings.get(tensor) or {}  # type: ignore[no-untyped-call]
            for origin in origins:
                if origin in known:
                    shapes[place] = known[origin]
        return call.resized(shapes)

    def _as_meant(self, call: Call) -> Repair | None:
        """The call with operands as they could have been meant too; that settles what was meant."""
        usable = [origin for origin in self._origins(call) if not origin.ran or _wants(call, origin)]
        for count in range(1, min(len(usable), 3) + 1):
            for chosen in combinations(usable, count):
                if len({origin.record for origin in chosen}) != count:
                    continue
                ran, result = _run(self._read_as(call, chosen))
                if ran:
                    for origin in chosen:
                        self._settle(origin)
                    return Repair(result, None)
        return None

    def _settle(self, origin: Origin) -> None:
        choice, known = origin.choice, self._faults.get(origin.record)
        if known is not None:
            self._faults[origin.record] = replace(
                known,
                kind=choice.kind,
                operand=choice.operand,
                expected=choice.expected,
                axis=choice.axis,
                blame=choice.blame,
            )
        elif origin.ran:
            self._faults[origin.record] = Fault(
                origin.record, "join", choice.operand, choice.expected, "", choice.axis
            )

    def _undoes(self, call: Call, choice: Choice, ratio: Fraction) -> bool:
        """Whether the call only fails because an earlier reshape changed the number of elements."""
        earlier = self._ratios.get(call.tensors[choice.operand])  # type: ignore[no-untyped-call]
        return earlier is not None and earlier * ratio == 1


def _wants(call: Call, origin: Origin) -> bool:
    """Whether the call is a layer that wants a number on the axis that ``origin`` would have joined."""
    axis = _LAYER_AXES.get(call.name)
    if axis is None or origin.choice.axis is None:
        return False
    return axis % len(call.shapes[0]) == origin.choice.axis


def _outcome(call: Call, candidate: Candidate) -> tuple[bool, Any]:
    if candidate.call is None:
        return True, torch.empty_like(call.tensors[0])
    return _run(candidate.call)


def _run(call: Call) -> tuple[bool, Any]:
    try:
        return True, call.function(*call.args, **call.kwargs)
    except SHAPE_ERRORS:
        return False, None


def _ratio(call: Call, choice: Choice) -> Fraction | None:
    """How many elements the operand should have for each that it has."""
    have, want = call.tensors[choice.operand].numel(), 1
    for size in choice.expected:
        want *= size
    return Fraction(want, have) if have and want and have != want else None
