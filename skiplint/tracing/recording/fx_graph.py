"""Make a :class:`torch.fx.Graph` from the records of a trace."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx

from skiplint.graph import OperandRef, Operation
from skiplint.tracing.recording.recorder import Record


def updated(tensor: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
    """Return ``tensor``, which shares memory with the views of it that others wrote into."""
    return tensor


def builder(records: Sequence[Record], operations: Sequence[Operation]) -> Callable[[], fx.Graph]:
    """Return a function that builds the graph when it is called.

    The nodes call the live torch functions. A tensor that the model neither registers nor computes is a
    ``get_attr`` node with its operation's id as target. Each node's ``meta["operation"]`` is its
    :class:`Operation`.
    """

    def build() -> fx.Graph:
        graph = fx.Graph()
        made: list[fx.Node] = []
        for record, operation in zip(records, operations, strict=True):
            node = _node(graph, record, operation, made, operations)
            node.meta["operation"] = operation
            made.append(node)
        return graph

    return build


def _node(
    graph: fx.Graph,
    record: Record,
    operation: Operation,
    made: list[fx.Node],
    operations: Sequence[Operation],
) -> fx.Node:
    if record.kind == "input":
        return graph.placeholder(re.sub(r"\W+", "_", record.target).strip("_"))
    if record.kind not in ("call", "output"):
        return graph.create_node("get_attr", record.target or operation.id)
    reads = [
        made[operand.producer]
        if len(operations[operand.producer].outputs) == 1
        else graph.call_function(operator.getitem, (made[operand.producer], operand.output))
        for operand in operation.operands
    ]
    if record.kind == "output":
        returned: fx.Node = graph.output(tuple(reads))
        return returned
    function = record.function or updated
    args = _fill(record.args, reads)
    return graph.create_node(
        "call_function", function, args, _fill(dict(record.kwargs), reads), operation.name
    )


def _fill(value: Any, reads: list[fx.Node]) -> Any:
    if isinstance(value, OperandRef):
        return reads[value.position]
    if isinstance(value, (list, tuple)):
        items = [_fill(item, reads) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: _fill(item, reads) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(_fill(value.start, reads), _fill(value.stop, reads), _fill(value.step, reads))
    return value
