"""Which tensor reads are edges of a path from a model's input to its output."""

from __future__ import annotations

from skiplint.graph import ModelGraph, Operand, Operation

# Operands that lend only a shape, a dtype or a device: name -> how many operands carry values.
_VALUE_OPERANDS = {"expand_as": 1, "view_as": 1, "reshape_as": 1, "type_as": 1, "to": 1}
# In place, these forget what was in their first operand.
_OVERWRITES = frozenset(
    "copy fill zero uniform normal random exponential bernoulli log_normal cauchy geometric set".split()
)


def path_reads(graph: ModelGraph) -> tuple[tuple[Operand, ...], ...]:
    """For each operation the operands through which a path may come, once a read.

    Everything that descends from a model input and is read for its values: features, but also token ids,
    masks, indices and gates, which the skip analysis leaves out. What is left out here is ``out=``, what
    only lends its shape, and what an in-place call overwrites.
    """
    return tuple(
        tuple(
            operand
            for position, operand in enumerate(operation.operands)
            if graph.operations[operand.producer].data and _is_read(operation, position)
        )
        for operation in graph
    )


def _is_read(operation: Operation, position: int) -> bool:
    if operation.operands[position].argument == "out":
        return False
    name = operation.base_name
    if position == 0 and operation.inplace and name in _OVERWRITES:
        return False
    return position < _VALUE_OPERANDS.get(name, position + 1)


def output_tensors(graph: ModelGraph) -> tuple[Operand, ...]:
    """The tensors that the model returns, each once however often it is returned."""
    found: dict[tuple[int, int], Operand] = {}
    for operation in graph:
        if operation.kind == "output":
            for operand in operation.operands:
                found.setdefault((operand.producer, operand.output), operand)
    return tuple(found.values())
