"""The memory that a call takes while it runs and gives back before it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skiplint.graph import ModelGraph, Operation
from skiplint.operators import Family
from skiplint.tracing.replay.live_storages import live_storages
from skiplint.tracing.replay.replay import on_meta, replay


def find_workspaces(graph: ModelGraph) -> tuple[int, ...]:
    """For each operation the bytes that it needs in inference beyond its results, as torch counts tensors.

    Contiguous copies, attention weights of the unfused form, indices of a pooling that nobody asked for.
    What a kernel allocates outside of tensors is not seen.
    """
    found = [0] * len(graph)

    def around(operation: Operation, run: Callable[[], Any]) -> Any:
        if operation.view or operation.inplace or operation.op.is_a(Family.NO_WORKSPACE):
            return run()
        with live_storages() as live:
            result = run()
        found[operation.index] = live.peak - live.bytes()
        return result

    with on_meta(grad=False):
        replay(graph, training=False, around=around)
    return tuple(found)
