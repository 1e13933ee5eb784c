"""The operands of a call or an operator in the syntax tree, named as in :class:`skiplint.graph.Operand`."""

from __future__ import annotations

import re
from typing import TypeAlias

import libcst as cst

from skiplint.operators import op_of

Join: TypeAlias = cst.Call | cst.BinaryOperation | cst.AugAssign
"""A call or an operator whose operands are written in the source."""
JOINS = (cst.Call, cst.BinaryOperation, cst.AugAssign)


class HiddenOperandError(Exception):
    """An operand is not written in the source at its place; ``str()`` is the reason in one line."""


_PLACE = re.compile(r"(\w+)(?:\[(\d+)\])?")
_OPERATORS: dict[str, tuple[type[cst.BaseBinaryOp], type[cst.BaseAugOp]]] = {
    "+": (cst.Add, cst.AddAssign),
    "-": (cst.Subtract, cst.SubtractAssign),
    "*": (cst.Multiply, cst.MultiplyAssign),
    "/": (cst.Divide, cst.DivideAssign),
    "@": (cst.MatrixMultiply, cst.MatrixMultiplyAssign),
}


def callee(call: cst.Call) -> str:
    """The last name of the called function, such as ``cat`` of ``torch.cat``; "" if it has none."""
    function = call.func
    if isinstance(function, cst.Attribute):
        return function.attr.value
    return function.value if isinstance(function, cst.Name) else ""


def computes(node: Join, operation: str) -> bool:
    """Whether ``node`` is a call of ``operation`` or its operator."""
    if isinstance(node, cst.Call):
        return callee(node) == operation
    binary, augmented = _OPERATORS.get(op_of(operation).operator, (None, None))
    wanted = binary if isinstance(node, cst.BinaryOperation) else augmented
    return wanted is not None and isinstance(node.operator, wanted)


def operand(node: Join, place: str) -> cst.BaseExpression:
    """The operand at a place such as ``1``, ``0[2]`` or ``tensors[1]``.

    Raises:
        HiddenOperandError: it is not written there, or ``+=`` assigns to it.
    """
    if isinstance(node, cst.BinaryOperation):
        return node.left if _side(place) == 0 else node.right
    if isinstance(node, cst.AugAssign):
        if _side(place) == 0:
            raise HiddenOperandError("the operand is assigned to")
        return node.value
    argument, item = _located(node, place)
    value = node.args[argument].value
    if item is None:
        return value
    assert isinstance(value, cst.List | cst.Tuple)
    return value.elements[item].value


def with_operand(node: Join, place: str, value: cst.BaseExpression) -> Join:
    """``node`` with ``value`` for the operand at ``place``.

    Raises:
        HiddenOperandError: it is not written there.
    """
    if isinstance(node, cst.BinaryOperation):
        return node.with_changes(left=value) if _side(place) == 0 else node.with_changes(right=value)
    if isinstance(node, cst.AugAssign):
        return node.with_changes(value=value)
    argument, item = _located(node, place)
    old = node.args[argument]
    new = value
    if item is not None:
        sequence = old.value
        assert isinstance(sequence, cst.List | cst.Tuple)
        elements = list(sequence.elements)
        elements[item] = elements[item].with_changes(value=value)
        new = sequence.with_changes(elements=elements)
    arguments = list(node.args)
    arguments[argument] = old.with_changes(value=new)
    return node.with_changes(args=arguments)


def _side(place: str) -> int:
    """0 for the left operand of an operator, 1 for the right one, which torch also calls ``other``."""
    sides = {"0": 0, "input": 0, "1": 1, "other": 1}
    if place not in sides:
        raise HiddenOperandError("the operator has no such operand")
    return sides[place]


def _located(call: cst.Call, place: str) -> tuple[int, int | None]:
    """Which argument of ``call`` holds the operand, and which item of it if it is a list."""
    match = _PLACE.fullmatch(place)
    hidden = HiddenOperandError(f"the operands of {callee(call) or 'the call'} are not written out")
    if match is None or any(argument.star for argument in call.args):
        raise hidden
    name, item = match[1], None if match[2] is None else int(match[2])
    names = [argument.keyword.value if argument.keyword else str(i) for i, argument in enumerate(call.args)]
    if name not in names:
        raise hidden
    index = names.index(name)
    if item is not None:
        value = call.args[index].value
        if not isinstance(value, cst.List | cst.Tuple) or item >= len(value.elements):
            raise hidden
        if any(isinstance(element, cst.StarredElement) for element in value.elements):
            raise hidden
    return index, item
