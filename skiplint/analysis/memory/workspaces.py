"""The memory that a call allocates and frees again before it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skiplint.graph import ModelGraph, Operation
from skiplint.operators import Family
from skiplint.tracing.replay.surroundings import apart, bare


def find_workspaces(graph: ModelGraph) -> tuple[int, ...]:
    """For each operation the bytes of tensors that it allocates in inference besides its results.

    Such as contiguous copies, the weights of unfused attention, and the indices of a pooling that are not
    returned. What a kernel allocates without a tensor is not counted.
    """
    from skiplint.tracing.replay.allocations import LiveStorages
    from skiplint.tracing.replay.interpreter import Interpreter

    found = [0] * len(graph)

    def around(operation: Operation | None, run: Callable[[], Any]) -> Any:
        if operation is None or operation.view or operation.inplace or operation.op.is_a(Family.NO_WORKSPACE):
            return run()
        with LiveStorages() as live:
            result = run()
        found[operation.index] = live.peak - live.bytes()
        return result

    with apart(grad=False, device="meta"):
        Interpreter(graph.fx, bare, device="meta", around=around, assume=True).run()
    return tuple(found)
