"""Tensors and shapes in words, for messages."""

from __future__ import annotations

from skiplint.graph import ModelGraph, Operand


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as in ``1x64x32x32``; "a scalar" for the empty one."""
    return "x".join(map(str, shape)) or "a scalar"


def tensor_name(graph: ModelGraph, operand: Operand) -> str:
    """The tensor that ``operand`` reads: "the model input x" or "the output of layer1.0.conv1"."""
    producer = graph.operations[operand.producer]
    if producer.kind == "input":
        return f"the model input {producer.id.removeprefix('input/')}"
    return f"the output of {producer.id}"
