"""Advice for layers built for another width than they get, and for calls that do not take a shape."""

from __future__ import annotations

import math
from typing import Any

from skiplint.analysis.faults.advice import (
    Advice,
    Lane,
    advised,
    input_argument,
    lane_of,
    output_argument,
    rebuilt,
    turned,
    wrapped,
)
from skiplint.analysis.faults.remedy import Remedy
from skiplint.analysis.wording import shape_text
from skiplint.graph import Fault, ModelGraph, Operation, fitting_sizes
from skiplint.operators import Family
from skiplint.operators.axes import packed
from skiplint.operators.sizes import Shape


def layer_advice(graph: ModelGraph, operation: Operation, fault: Fault, axis: int, unit: str) -> Advice:
    """Advice to build a layer, or the one before it, with the number that fits.

    Args:
        graph: the graph of the faulty model.
        operation: the call of the layer.
        fault: its fault.
        axis: the axis of the operand that does not fit.
        unit: what is counted along it: "channels" or "features".
    """
    operand = operation.operands[fault.operand]
    given, built = fault.actual[axis], fault.expected[axis]
    lane = lane_of(graph, operand)
    if fault.blame == "operand" and lane is not None and not lane.through_norm:
        name = output_argument(lane.layer)
        need = f"{operation.id} and what runs after it need that"
        words = f"build {lane.layer.id} with {built} output {unit}: {need}"
        if name is not None and (lane.alone or not operation.op.is_a(Family.DEALING)):
            return advised(rebuilt(lane.layer, name, given, built, words))
        return Advice(words)
    if fault.blame == "width" and operation.op.is_a(Family.LINEAR):
        return Advice(f"build {operation.id} with {given} input and {given} output {unit} instead of {built}")
    norm = operation.op.is_a(Family.NORM)
    if fault.blame == "operand" and not norm and not operation.weighted:
        return Advice(_dealt(graph, operation, built, unit, lane))
    if fault.operand and operation.op.is_a(Family.RECURRENT):
        return Advice(f"build {operation.id} with hidden_size={given}, or start it with {built} {unit}")
    if operation.module_class == _ATTENTION and operation.op.is_a(Family.LINEAR):
        return Advice(_keys(graph, operation, given, built))
    words = f"build {operation.id} " + (
        f"for {given} {unit} instead of {built}" if norm else f"with {given} input {unit} instead of {built}"
    )
    if not norm and lane is not None and lane.alone and not lane.through_norm and _makes(lane.layer, given):
        words += f", or {lane.layer.id} with {built} output {unit}"
    name = input_argument(operation) if fault.operand == 0 else None
    if fault.operand and name is None and operation.op.is_a(Family.MULTI_HEAD):
        name = {1: "kdim", 2: "vdim"}.get(fault.operand)
        words = f"build {operation.module} with {name}={given} instead of {built}"
    if name is None or not _divides(operation, given):
        return Advice(words)
    old: Any = built
    if name == "normalized_shape":
        old = fault.expected[-1]
    return advised(rebuilt(operation, name, old, given, words))


_ATTENTION = "torch.nn.modules.activation.MultiheadAttention"


def _dealt(graph: ModelGraph, operation: Operation, count: int, unit: str, lane: Lane | None) -> str:
    """Another number for a call that deals out what it gets, such as a shuffle or a split."""
    if operation.op.is_a(Family.SPLIT):
        other = f"or split into sizes that add up to {_given(graph, operation)}"
    else:
        other = f"so that {operation.base_name} can deal them out"
    if lane is not None and output_argument(lane.layer) is not None:
        return f"build {lane.layer.id} with {count} output {unit}, {other}"
    return f"give {operation.id} {count} {unit}, {other}"


def _given(graph: ModelGraph, operation: Operation) -> int:
    shape, axis = graph.spec(operation.operands[0]).shape, operation.setting("dim")
    return shape[axis] if isinstance(axis, int) else 0


def _keys(graph: ModelGraph, operation: Operation, given: int, built: int) -> str:
    """The width of keys and values, which have arguments of their own."""
    rows, columns = graph.spec(operation.operands[1]).shape
    both = f"kdim={given} and vdim={given}" if rows > columns else f"kdim={given} or vdim={given}"
    return f"build {operation.module} with {both}, or give it keys and values of {built} features"


def _makes(maker: Operation, given: int) -> bool:
    """Whether the number is that of the layer's outputs, and nothing in between has changed it."""
    convolution = maker.op.is_a(Family.CONVOLUTION)
    if not convolution and not maker.op.is_a(Family.LINEAR, Family.EMBEDDING):
        return False
    made = maker.outputs[0].shape
    place = 1 if convolution else len(made) - 1
    return made[place] == given


def _divides(operation: Operation, given: int) -> bool:
    """Whether the layer's groups or heads divide the number that it gets."""
    groups = operation.setting("groups")
    return groups is None or (isinstance(groups, int) and given % groups == 0)


def shape_advice(graph: ModelGraph, operation: Operation, fault: Fault) -> Advice | None:
    """Advice for a call that does not take a shape: other sizes for a reshape, an operand transposed."""
    operand, have, want = operation.operands[fault.operand], fault.actual, fault.expected
    maker = graph.operations[operand.producer].id
    if operation.op.is_a(Family.SIZED_RESHAPE):
        return _reshaped(operation, have, want)
    if operation.op.is_a(Family.PIXEL_UNSHUFFLE):
        return Advice(f"crop or pad the input to {shape_text(want[-2:])}")
    if operation.op.is_a(Family.RECURRENT):
        return Advice(f"start {operation.id} with a state of {shape_text(want)}")
    turn = turned(have, want)
    product = operation.op.is_a(Family.CONTRACTION, Family.ATTENTION)
    if operation.op.is_a(Family.MATRIX_PRODUCT) and not operation.op.is_a(Family.ADDED_CONTRACTION):
        if turn is not None and fault.operand == 1:
            words = f"transpose the second operand: {maker} is {shape_text(have)}"
            return advised(wrapped(operation, operand, "{}.transpose(-2, -1)", words))
    elif turn is not None:
        return _turned(graph, operation, fault, turn)
    if len(have) == len(want) and product:
        return Advice(f"let {maker} give {shape_text(want)} instead of {shape_text(have)}")
    return None


def _turned(graph: ModelGraph, operation: Operation, fault: Fault, turn: str) -> Advice:
    operand, have, want = operation.operands[fault.operand], fault.actual, fault.expected
    how = turn.format("").lstrip(".")
    maker = graph.operations[operand.producer].id
    words = f"give it {shape_text(want)}: {maker} is {shape_text(have)}, {how} turns it"
    if fault.blame == "width":
        back = turned(want, have) or turn
        words += f", and turn what comes out back with {back.format('').lstrip('.')}"
    if fault.blame == "width" or operation.module_class.startswith("torch.nn.modules."):
        return Advice(words)  # it is the module that is called in the source
    return advised(wrapped(operation, operand, turn, words))


def _reshaped(operation: Operation, have: Shape, expected: Shape) -> Advice | None:
    """One size changed so that the elements suffice."""
    asked = packed(operation, "sizes")
    if asked is None:
        return None
    total = math.prod(have)
    new = expected if math.prod(expected) == total else next(fitting_sizes(asked, total), None)
    if new is None:
        return None
    words = f"ask for {shape_text(new)}, of as many elements as {shape_text(have)}"
    remedy = Remedy(
        kind="call-argument",
        target=operation.id,
        argument="shape",
        old=asked,
        new=new,
        description=words,
    )
    return advised(remedy)
