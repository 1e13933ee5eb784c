"""Recurrent layers: the shapes that their weights take, and their checks in Python switched off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from skiplint.operators import Family
from skiplint.tracing.recovery.calls import Call, Shape


def asked_by_weights(call: Call) -> dict[int, Shape]:
    """Return the shapes of input and states that the call of a recurrent layer takes, by operand."""
    states = len(call.op.states)
    if call.op.is_a(Family.CELL):
        return _by_cell(call, states) if states and len(call.shapes) >= states + 3 else {}
    packed = not any(isinstance(weights, list) for weights in call.args[2:3])
    first = 2 if packed else 1
    weights = call.shapes[first + states :]
    if len(weights) < 2 or len(call.args) < 8 + packed or any(len(each) != 2 for each in weights[:2]):
        return {}
    inside, hidden = weights[0], weights[1]
    data, state = call.shapes[0], call.shapes[first]
    if len(data) != (2 if packed else 3) or len(state) != 3:
        return {}
    count = call.args[4 + packed] * (2 if call.args[7 + packed] else 1)
    batch = state[1] if packed else data[0 if call.args[8] else 1]
    cells = hidden[0] // call.op.gates  # a projected LSTM keeps wider cells than it shows
    widths = (hidden[1], cells)
    wanted = {0: (*data[:-1], inside[1])}
    return wanted | {first + i: (count, batch, widths[i]) for i in range(states)}


def _by_cell(call: Call, states: int) -> dict[int, Shape]:
    inside, hidden = call.shapes[states + 1 : states + 3]
    data = call.shapes[0]
    if len(inside) != 2 or len(hidden) != 2 or len(data) != 2:
        return {}
    wanted: dict[int, Shape] = {0: (data[0], inside[1])}
    return wanted | {1 + i: (data[0], hidden[1]) for i in range(states)}


@contextmanager
def unchecked(model: nn.Module) -> Iterator[None]:
    """Switch off the checks of recurrent layers: the kernel fails instead, and its call can be repaired."""
    layers = [module for module in model.modules() if isinstance(module, nn.RNNBase)]
    before = [vars(layer).get(_CHECK) for layer in layers]
    for layer in layers:
        setattr(layer, _CHECK, _nothing)
    try:
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            delattr(layer, _CHECK)
            if own is not None:
                setattr(layer, _CHECK, own)


_CHECK = "check_forward_args"


def _nothing(*_: object) -> None:
    """Check nothing."""
