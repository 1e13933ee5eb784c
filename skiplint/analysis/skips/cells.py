"""Gated recurrent cells that torch runs as one operation."""

from __future__ import annotations

from skiplint.analysis.flow import Flow
from skiplint.analysis.skips.joins import reaches
from skiplint.graph import Operand, Operation
from skiplint.operators import Family


def carried_states(flow: Flow) -> list[tuple[Operation, Operand]]:
    """The cells that carry a state past their weights, with that state: ``h`` of a GRU, ``c`` of an LSTM.

    ``nn.GRUCell`` and ``nn.LSTMCell`` are the same sum of a gated state and a gated candidate as a cell
    written by hand. Cells with a constant first state, or with a state that their gates do not depend
    on, are left out.
    """
    found = [(operation, _carried_state(flow, operation)) for operation in flow.graph]
    return [(operation, state) for operation, state in found if state is not None]


def _carried_state(flow: Flow, operation: Operation) -> Operand | None:
    op = operation.op
    if not op.is_a(Family.CELL) or op.gates == 1:
        return None
    # The gates are computed from the first of its states.
    gating, carried = (
        next((operand for operand in flow.reads[operation.index] if operand.argument == place), None)
        for place in (op.states[0], op.states[-1])
    )
    if carried is None or gating is None or not reaches(flow, carried.producer, gating.producer):
        return None
    return carried
