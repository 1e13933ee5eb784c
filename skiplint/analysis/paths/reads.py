"""Which tensor reads are edges of a path from a model's input to its output."""

from __future__ import annotations

from skiplint.graph import ModelGraph, Operand
from skiplint.operators import Role
from skiplint.operators.reads import role_of


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
            if graph.operations[operand.producer].data and role_of(operation, position) is not Role.LENDS
        )
        for operation in graph
    )


def output_tensors(graph: ModelGraph) -> tuple[Operand, ...]:
    """The tensors that the model returns, each once however often it is returned."""
    found: dict[tuple[int, int], Operand] = {}
    for operation in graph:
        if operation.kind == "output":
            for operand in operation.operands:
                found.setdefault((operand.producer, operand.output), operand)
    return tuple(found.values())
