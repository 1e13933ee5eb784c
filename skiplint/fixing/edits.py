"""Edit calls and operators in Python source; each is found by the line and column where it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from skiplint.analysis.faults.remedy import ArgumentEdit, Edit, WrapEdit
from skiplint.fixing.operands import JOINS, HiddenOperandError, Join, computes, operand, with_operand


class EditError(Exception):
    """An edit does not fit the source; ``str()`` is the reason in one line."""


@dataclass(frozen=True)
class Edited:
    """A source after its edits."""

    text: str
    made: tuple[Edit, ...]
    refused: dict[Edit, str] = field(default_factory=dict)
    """Why the others could not be made."""


def apply_edits(source: str, edits: Sequence[Edit], *, computed: bool = False) -> Edited:
    """Return ``source`` with ``edits`` made, formatting kept; edits that do not fit are left out.

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
    joins = _joins_by_place(wrapper)
    module = wrapper.module
    chosen: dict[Join, list[Edit]] = {}
    refused: dict[Edit, str] = {}
    for edit in edits:
        join = _match(joins, edit)
        if join is None:
            refused[edit] = f"there is no call of {edit.callee} in line {edit.location.line}"
        else:
            chosen.setdefault(join, []).append(edit)
    editor = _Editor(module, chosen, refused, computed)
    text = module.visit(editor).code
    return Edited(text, tuple(edit for edit in edits if edit not in refused), refused)


Place = tuple[int, int]


def _joins_by_place(wrapper: MetadataWrapper) -> dict[Place, list[Join]]:
    """Calls and operators by the line and column where they start, inner ones first."""
    found: dict[Place, list[Join]] = {}

    class Collector(cst.CSTVisitor):
        METADATA_DEPENDENCIES = (PositionProvider,)

        def on_leave(self, original_node: cst.CSTNode) -> None:
            if isinstance(original_node, JOINS):
                start = self.get_metadata(PositionProvider, original_node).start
                # Both count characters, LibCST from 0.
                found.setdefault((start.line, start.column + 1), []).append(original_node)

    wrapper.visit(Collector())
    return found


def _match(joins: dict[Place, list[Join]], edit: Edit) -> Join | None:
    here = joins.get((edit.location.line, edit.location.column or 0), [])
    named = [join for join in here if computes(join, edit.callee)]
    calls = [join for join in here if isinstance(join, cst.Call)]
    if named and isinstance(named[0], cst.Call):
        return named[0]
    if len(named) == 1 and not isinstance(edit, ArgumentEdit):
        return named[0]  # of a + b + c, both sums start here
    # A class may be called by another name (a factory argument, an alias): then only one call may start here.
    renamed = isinstance(edit, ArgumentEdit) and not edit.exact and len(calls) == 1
    return calls[0] if renamed else None


class _Editor(cst.CSTTransformer):
    def __init__(
        self,
        module: cst.Module,
        chosen: dict[Join, list[Edit]],
        refused: dict[Edit, str],
        computed: bool,
    ) -> None:
        super().__init__()
        self._module = module
        self._chosen = chosen
        self._refused = refused
        self._computed = computed

    def on_leave(
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNodeT | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNodeT]:
        left = super().on_leave(original_node, updated_node)
        if isinstance(original_node, JOINS) and original_node in self._chosen:
            return cast("cst.CSTNodeT", self._edited(original_node, cast("Join", left)))
        return left

    def _edited(self, original: Join, join: Join) -> cst.CSTNode:
        around = "{}"
        for edit in self._chosen.get(original, []):
            try:
                if isinstance(edit, WrapEdit) and not edit.operand:
                    around = edit.expression.replace("{}", around)
                else:
                    join = self._made(join, edit)
            except (EditError, HiddenOperandError) as error:
                self._refused[edit] = str(error)
        if around == "{}" or isinstance(join, cst.AugAssign):
            return join
        return _around(self._module, join, around)

    def _made(self, join: Join, edit: Edit) -> Join:
        if isinstance(edit, ArgumentEdit):
            return _with_argument(cst.ensure_type(join, cst.Call), edit, computed=self._computed)
        if isinstance(edit, WrapEdit):
            return self._wrapped(join, edit.operand, edit.expression)
        reference = operand(join, edit.reference)
        if not isinstance(reference, cst.Name):
            raise EditError("the operand with the right size has no name")
        resize = _interpolate_name(self._module)
        expression = f"{resize}({{}}, size={reference.value}.shape[{edit.first_axis}:])"
        return self._wrapped(join, edit.operand, expression)

    def _wrapped(self, join: Join, place: str, expression: str) -> Join:
        value = operand(join, place)
        text = self._module.code_for_node(value)
        atom = isinstance(value, cst.Name | cst.Attribute | cst.Call | cst.Subscript)
        loose = expression.startswith("{}") and not atom
        new = cst.parse_expression(expression.replace("{}", f"({text})" if loose else text))
        return with_operand(join, place, new)


def _around(module: cst.Module, join: cst.Call | cst.BinaryOperation, expression: str) -> cst.BaseExpression:
    """``join`` inside an expression, with the parentheses that it had."""
    bare = module.code_for_node(join.with_changes(lpar=(), rpar=()))
    loose = isinstance(join, cst.BinaryOperation) and expression.startswith("{}")
    new = cst.parse_expression(expression.replace("{}", f"({bare})" if loose else bare))
    return new.with_changes(lpar=join.lpar, rpar=join.rpar)


def _with_argument(call: cst.Call, edit: ArgumentEdit, *, computed: bool) -> cst.Call:
    """``call`` with one argument set; an argument that is not given is added by keyword."""
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


def _interpolate_name(module: cst.Module) -> str:
    """The name of ``torch.nn.functional.interpolate`` in the file, from its imports."""
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
