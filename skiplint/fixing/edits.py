"""Edits of calls in Python source, each found by the place where the call starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from skiplint.linting.fix import ArgumentEdit, Edit, ResampleEdit


class EditError(Exception):
    """An edit does not fit the source; ``str()`` is one line that says why."""


@dataclass(frozen=True)
class Edited:
    """A source after its edits."""

    text: str
    made: tuple[Edit, ...]
    refused: dict[Edit, str] = field(default_factory=dict)
    """Why the others could not be made."""


def apply_edits(source: str, edits: Sequence[Edit]) -> Edited:
    """Make ``edits`` in ``source``; those that do not fit are left out, formatting stays as it is.

    Raises:
        EditError: ``source`` is not valid Python.
    """
    try:
        wrapper = MetadataWrapper(cst.parse_module(source))
    except cst.ParserSyntaxError as error:
        raise EditError(f"is not valid Python (line {error.raw_line})") from None
    calls = _calls_by_place(wrapper, source)
    module = wrapper.module
    chosen: dict[cst.Call, list[Edit]] = {}
    refused: dict[Edit, str] = {}
    for edit in edits:
        call = _match(calls, edit)
        if call is None:
            refused[edit] = f"there is no call of {edit.callee} in line {edit.location.line}"
        else:
            chosen.setdefault(call, []).append(edit)
    editor = _Editor(module, chosen, refused)
    text = module.visit(editor).code
    return Edited(text, tuple(edit for edit in edits if edit not in refused), refused)


Place = tuple[int, int]


def _calls_by_place(wrapper: MetadataWrapper, source: str) -> dict[Place, list[cst.Call]]:
    """Calls by line and column of their start, inner ones before those around them."""
    lines = source.splitlines()
    found: dict[Place, list[cst.Call]] = {}

    class Collector(cst.CSTVisitor):
        METADATA_DEPENDENCIES = (PositionProvider,)

        def leave_Call(self, original_node: cst.Call) -> None:  # noqa: N802 - LibCST's name
            start = self.get_metadata(PositionProvider, original_node).start
            # The interpreter counts bytes, LibCST characters.
            column = len(lines[start.line - 1][: start.column].encode())
            found.setdefault((start.line, column + 1), []).append(original_node)

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
        self, module: cst.Module, chosen: dict[cst.Call, list[Edit]], refused: dict[Edit, str]
    ) -> None:
        super().__init__()
        self._module = module
        self._chosen = chosen
        self._refused = refused

    def leave_Call(  # noqa: N802 - LibCST's name
        self, original_node: cst.Call, updated_node: cst.Call
    ) -> cst.BaseExpression:
        call = updated_node
        for edit in self._chosen.get(original_node, []):
            try:
                call = self._edited(call, edit)
            except EditError as error:
                self._refused[edit] = str(error)
        return call

    def _edited(self, call: cst.Call, edit: Edit) -> cst.Call:
        if isinstance(edit, ArgumentEdit):
            return _with_argument(call, edit)
        return _with_resampled(self._module, call, edit)


def _with_argument(call: cst.Call, edit: ArgumentEdit) -> cst.Call:
    """``call`` with one argument set; where it is not given it is added by keyword."""
    value = cst.parse_expression(edit.value)
    if any(argument.star for argument in call.args):
        raise EditError(f"{edit.callee} takes its arguments from * or **")
    index = _argument_index(call, edit)
    if index is None:
        return _with_added(call, edit.argument, value)
    old = call.args[index]
    if edit.only_literals and not _is_literal(old.value):
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


def _with_resampled(module: cst.Module, call: cst.Call, edit: ResampleEdit) -> cst.Call:
    """One operand of a concatenation brought to the size of another with ``interpolate``."""
    if not call.args or not isinstance(call.args[0].value, cst.List | cst.Tuple):
        raise EditError(f"the operands of {edit.callee} are not written out")
    sequence = call.args[0].value
    elements = list(sequence.elements)
    if max(edit.operand, edit.reference) >= len(elements) or any(
        isinstance(element, cst.StarredElement) for element in elements
    ):
        raise EditError(f"the operands of {edit.callee} are not written out")
    operand, reference = elements[edit.operand].value, elements[edit.reference].value
    if not isinstance(reference, cst.Name):
        raise EditError("the operand with the right size has no name")
    interpolate = _interpolate_name(module)
    text = (
        f"{interpolate}({module.code_for_node(operand)}, "
        f"size={module.code_for_node(reference)}.shape[{edit.first_axis}:])"
    )
    elements[edit.operand] = elements[edit.operand].with_changes(value=cst.parse_expression(text))
    first = call.args[0].with_changes(value=sequence.with_changes(elements=elements))
    return call.with_changes(args=[first, *call.args[1:]])


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
