"""Depthwise convolutions, which together with a pointwise one make one separable layer."""

from __future__ import annotations

from skiplint.graph import ModelGraph, Operation
from skiplint.operators import Family


def is_depthwise(graph: ModelGraph, operation: Operation) -> bool:
    """Whether ``operation`` is a convolution with a filter of its own for each channel."""
    if not operation.op.is_a(Family.CONVOLUTION) or len(operation.operands) < 2:
        return False
    groups = operation.setting("groups")
    channels = graph.spec(operation.operands[0]).shape[-len(graph.spec(operation.operands[1]).shape) + 1]
    return isinstance(groups, int) and groups == channels > 1
