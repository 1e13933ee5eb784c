"""Edits of calls in Python source, each found by the place where the call starts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from skiplint.linting.edits import ArgumentEdit, Edit, WrapEdit


class EditError(Exception):
    """An edit does not fit the source; ``str()`` is one line that says why."""


@dataclass(frozen=True)
class Edited:
    """A source after its edits."""

    text: str
    made: tuple[Edit, ...]
    refused: dict[Edit, str] = field(default_factory=dict)
    """Why the others could not be made."""


def apply_edits(source: str, edits: Sequence[Edit], *, computed: bool = False) -> Edited:
    """Make ``edits`` in ``source``; those that do not fit are left out, formatting stays as it is.

    Args:
        source: the text of the file.
        edits: what to change.
        computed: whether a value that the source computes may become a number.

    Raises:
        EditError: ``source`` is not valid Python.
    """
    try:
        wrapper = MetadataWrapper(cst.parse_module(source))
    except cst.ParserSyntaxError as error:
        raise EditError(f"is not valid Python (line {error.raw_line})") from None
    calls = _calls_by_place(wrapper)
    module = wrapper.module
    chosen: dict[cst.Call, list[Edit]] = {}
    refused: dict[Edit, str] = {}
    for edit in edits:
        call = _match(calls, edit)
        if call is None:
            refused[edit] = f"there is no call of {edit.callee} in line {edit.location.line}"
        else:
            chosen.setdefault(call, []).append(edit)
    editor = _Editor(module, chosen, refused, computed)
    text = module.visit(editor).code
    return Edited(text, tuple(edit for edit in edits if edit not in refused), refused)


Place = tuple[int, int]


def _calls_by_place(wrapper: MetadataWrapper) -> dict[Place, list[cst.Call]]:
    """Calls by line and column of their start, inner ones before those around them."""
    found: dict[Place, list[cst.Call]] = {}

    class Collector(cst.CSTVisitor):
        METADATA_DEPENDENCIES = (PositionProvider,)

        def leave_Call(self, original_node: cst.Call) -> None:  # noqa: N802 - LibCST's name
            start = self.get_metadata(PositionProvider, original_node).start
            # Both count characters, LibCST from 0.
            found.setdefault((start.line, start.column + 1), []).append(original_node)

    wrapper.visit(Collector())
    return found


def _match(calls: dict[Place, list[cst.Call]], edit: Edit) -> cst.Call | None:
    here = calls.get((edit.location.line, edit.location.column or 0), [])
    named = [call for call in here if _callee(call) == edit.callee]
    if named:
        return named[0]
    # A class may be called by another name (a factory argument, an alias): then only one call may start here.
    renamed = isinstance(edit, ArgumentEdit) and not edit.exact and len(here) == 1
    return here[0] if renamed else None


def _callee(call: cst.Call) -> str:
    function = call.func
    if isinstance(function, cst.Attribute):
        return function.attr.value
    return function.value if isinstance(function, cst.Name) else ""


class _Editor(cst.CSTTransformer):
    def __init__(
        self,
        module: cst.Module,
        chosen: dict[cst.Call, list[Edit]],
        refused: dict[Edit, str],
        computed: bool,
    ) -> None:
        super().__init__()
        self._module = module
        self._chosen = chosen
        self._refused = refused
        self._computed = computed

    def leave_Call(  # noqa: N802 - LibCST's name
        self, original_node: cst.Call, updated_node: cst.Call
    ) -> cst.BaseExpression:
        call, around = updated_node, "{}"
        for edit in self._chosen.get(original_node, []):
            if isinstance(edit, WrapEdit) and not edit.operand:
                around = edit.expression.replace("{}", around)
                continue
            try:
                call = self._edited(call, edit)
            except EditError as error:
                self._refused[edit] = str(error)
        return call if around == "{}" else _around(self._module, call, around)

    def _edited(self, call: cst.Call, edit: Edit) -> cst.Call:
        if isinstance(edit, ArgumentEdit):
            return _with_argument(call, edit, computed=self._computed)
        if isinstance(edit, WrapEdit):
            return _with_wrapped(call, edit.operand, self._filled(call, edit.operand, edit.expression))
        reference = _operand(call, edit.reference)
        if not isinstance(reference, cst.Name):
            raise EditError("the operand with the right size has no name")
        resize = _interpolate_name(self._module)
        expression = f"{resize}({{}}, size={reference.value}.shape[{edit.first_axis}:])"
        return _with_wrapped(call, edit.operand, self._filled(call, edit.operand, expression))

    def _filled(self, call: cst.Call, place: str, expression: str) -> cst.BaseExpression:
        operand = _operand(call, place)
        text = self._module.code_for_node(operand)
        atom = isinstance(operand, cst.Name | cst.Attribute | cst.Call | cst.Subscript)
        loose = expression.startswith("{}") and not atom
        return cst.parse_expression(expression.replace("{}", f"({text})" if loose else text))


def _around(module: cst.Module, call: cst.Call, expression: str) -> cst.BaseExpression:
    """``call`` inside of an expression, with the parentheses that it had."""
    bare = module.code_for_node(call.with_changes(lpar=(), rpar=()))
    return cst.parse_expression(expression.replace("{}", bare)).with_changes(lpar=call.lpar, rpar=call.rpar)


def _with_argument(call: cst.Call, edit: ArgumentEdit, *, computed: bool) -> cst.Call:
    """``call`` with one argument set; where it is not given it is added by keyword."""
    value = cst.parse_expression(edit.value)
    if any(argument.star for argument in call.args):
        raise EditError(f"{edit.callee} takes its arguments from * or **")
    index = _argument_index(call, edit)
    if index is None:
        return _with_added(call, edit.argument, value)
    old = call.args[index]
    if not computed and not _is_literal(old.value):
        raise EditError(f"{edit.argument} of {edit.callee} is computed")
    arguments = [*call.args]
    arguments[index] = old.with_changes(value=value)
    return call.with_changes(args=arguments)


def _argument_index(call: cst.Call, edit: ArgumentEdit) -> int | None:
    positional = 0
    for index, argument in enumerate(call.args):
        if argument.keyword is not None:
            if argument.keyword.value == edit.argument:
                return index
        else:
            if positional == edit.position:
                return index
            positional += 1
    return None


def _with_added(call: cst.Call, name: str, value: cst.BaseExpression) -> cst.Call:
    added = cst.Arg(
        keyword=cst.Name(name),
        value=value,
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
    if not call.args:
        return call.with_changes(args=[added])
    *before, last = call.args
    if isinstance(last.comma, cst.Comma):  # a trailing comma stays one, with its line break
        between = before[-1].comma if before and isinstance(before[-1].comma, cst.Comma) else last.comma
        return call.with_changes(
            args=[*before, last.with_changes(comma=between), added.with_changes(comma=last.comma)]
        )
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return call.with_changes(args=[*before, last.with_changes(comma=comma), added])


def _is_literal(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.UnaryOperation):
        return _is_literal(value.expression)
    if isinstance(value, cst.Tuple | cst.List):
        return all(_is_literal(element.value) for element in value.elements)
    return isinstance(value, cst.Integer | cst.Float | cst.SimpleString) or (
        isinstance(value, cst.Name) and value.value in {"True", "False", "None"}
    )


_PLACE = re.compile(r"(\w+)(?:\[(\d+)\])?")


def _operand(call: cst.Call, place: str) -> cst.BaseExpression:
    """The operand at a place such as ``1``, ``0[2]`` or ``tensors[1]``."""
    argument, item = _located(call, place)
    if item is None:
        return call.args[argument].value
    sequence = call.args[argument].value
    assert isinstance(sequence, cst.List | cst.Tuple)
    return sequence.elements[item].value


def _with_wrapped(call: cst.Call, place: str, value: cst.BaseExpression) -> cst.Call:
    """``call`` with ``value`` for the operand at ``place``."""
    argument, item = _located(call, place)
    old = call.args[argument]
    new = value
    if item is not None:
        sequence = old.value
        assert isinstance(sequence, cst.List | cst.Tuple)
        elements = list(sequence.elements)
        elements[item] = elements[item].with_changes(value=value)
        new = sequence.with_changes(elements=elements)
    arguments = list(call.args)
    arguments[argument] = old.with_changes(value=new)
    return call.with_changes(args=arguments)


def _located(call: cst.Call, place: str) -> tuple[int, int | None]:
    """Which argument of ``call`` holds the operand, and which item of it if it is a list."""
    match = _PLACE.fullmatch(place)
    hidden = EditError(f"the operands of {_callee(call) or 'the call'} are not written out")
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


def _interpolate_name(module: cst.Module) -> str:
    """How the file can call ``torch.nn.functional.interpolate`` with what it imports already."""
    code = "\n".join(module.code_for_node(line) for line in module.body if _imports(line))
    words = code.split()
    for wanted, name in (
        ("import torch.nn.functional as F", "F.interpolate"),
        ("from torch.nn import functional as F", "F.interpolate"),
        ("from torch import nn", "nn.functional.interpolate"),
        ("import torch.nn as nn", "nn.functional.interpolate"),
        ("import torch", "torch.nn.functional.interpolate"),
    ):
        parts = wanted.split()
        if any(words[at : at + len(parts)] == parts for at in range(len(words))):
            return name
    raise EditError("the file does not import torch.nn.functional")


def _imports(line: cst.BaseStatement | cst.SimpleStatementLine | cst.BaseCompoundStatement) -> bool:
    return isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], cst.Import | cst.ImportFrom)
