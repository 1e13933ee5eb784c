"""Remedies applied to the source of a model, as a tool would."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from skiplint import Finding, Remedy


def applied(source: str, findings: Sequence[Finding]) -> str:
    """``source`` after all remedies of ``findings``, which are about different places or arguments."""
    tree = ast.parse(source)
    for number, finding in enumerate(findings):
        if finding.fix is None:
            _rebuild(tree, finding)
            continue
        assert finding.location is not None
        if finding.fix.kind == "module-argument":
            _set_argument(_constructor(tree, finding.fix.target), finding.fix)
        elif finding.fix.kind == "call-argument":
            _change_call(_node(tree, finding), finding.fix)
        elif finding.fix.kind == "wrap-result":
            tree = _Around(finding.fix).visit(tree)
        else:
            _wrap(tree, _node(tree, finding), finding.fix, f"mended{number}")
    return ast.unparse(ast.fix_missing_locations(tree))


_SQUARE = re.compile(r"build (\S+) with (\d+) input and (\d+) output features instead of \d+")


def _rebuild(tree: ast.Module, finding: Finding) -> None:
    """The one advice in words: a square layer of the wrong width, of which both numbers change."""
    match = _SQUARE.fullmatch(finding.suggestion or "")
    assert match is not None, finding.suggestion
    call = _constructor(tree, match[1])
    call.args[:2] = [ast.Constant(int(match[2])), ast.Constant(int(match[3]))]


def _constructor(tree: ast.Module, path: str) -> ast.Call:
    places = [path.rpartition(".")[2], path]
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target, value in _assigned(node):
                if _place(target) in places and isinstance(value, ast.Call):
                    return value
                for key, item in _named_items(value):
                    if f"{_place(target)}.{key}" == path:
                        return item
    raise AssertionError(f"nothing assigns self.{path}")


def _place(target: ast.expr) -> str:
    """``layers.2`` for ``self.layers[2]``."""
    if isinstance(target, ast.Subscript):
        return f"{_place(target.value)}.{ast.unparse(target.slice)}"
    return target.attr if isinstance(target, ast.Attribute) else ""


def _named_items(value: ast.expr) -> list[tuple[str, ast.Call]]:
    """What ``nn.ModuleDict({...})`` holds."""
    found = []
    for node in ast.walk(value):
        if isinstance(node, ast.Dict):
            for key, item in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(item, ast.Call):
                    found.append((str(key.value), item))
    return found


def _assigned(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """Targets and values, several in ``self.a, self.b = nn.Linear(1, 2), nn.Linear(2, 3)``."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def _set_argument(call: ast.Call, fix: Remedy) -> None:
    assert isinstance(call.func, ast.Attribute)
    names = list(inspect.signature(getattr(nn, call.func.attr).__init__).parameters)[1:]
    # Recurrent layers take *args.
    position = names.index(fix.argument) if fix.argument in names else ("input_size",).index(fix.argument)
    new = ast.Constant(fix.new)
    if position < len(call.args):
        call.args[position] = new
        return
    call.keywords = [each for each in call.keywords if each.arg != fix.argument]
    call.keywords.append(ast.keyword(fix.argument, new))


def _node(tree: ast.Module, finding: Finding) -> Any:
    """The call or operator at the place of the finding that the remedy is about."""
    assert finding.location is not None
    assert finding.fix is not None
    name = finding.fix.target.rpartition("/")[2].rstrip("_0123456789")
    found = [
        node
        for node in ast.walk(tree)
        if getattr(node, "lineno", 0) == finding.location.line and _is_called(node, name)
    ]
    if len(found) > 1:
        found = [node for node in found if node.col_offset + 1 == finding.location.column]
    assert len(found) == 1, f"{len(found)} candidates for {finding.fix} in line {finding.location.line}"
    return found[0]


def _is_called(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, _OPERATORS.get(name, ()))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name


_OPERATORS = {"add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "matmul": ast.MatMult}


def _change_call(call: ast.Call, fix: Remedy) -> None:
    if fix.argument == "shape":
        call.args = [ast.Constant(size) for size in fix.new]
        return
    keyword = next((each for each in call.keywords if each.arg == fix.argument), None)
    if keyword is not None:
        keyword.value = ast.Constant(fix.new)
    else:
        call.args[1] = ast.Constant(fix.new)


class _Around(ast.NodeTransformer):
    """Wraps the call that a remedy is about, which is the only one of its name."""

    def __init__(self, fix: Remedy) -> None:
        self.fix, self.name = fix, fix.target.rpartition("/")[2].rstrip("_0123456789")

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not _is_called(node, self.name):
            return node
        return ast.parse(self.fix.new.format(ast.unparse(node)), mode="eval").body


def _wrap(tree: ast.Module, node: Any, fix: Remedy, name: str) -> None:
    text = fix.new
    if fix.kind == "insert-module":
        made = ast.parse(f"self.{name} = {fix.new}").body[0]
        classes = [each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
        owner = next(each for each in classes if node in ast.walk(each))
        next(
            each for each in owner.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"
        ).body.append(made)
        text = f"self.{name}({{}})"

    def wrapped(operand: ast.expr) -> ast.expr:
        return ast.parse(text.format(f"({ast.unparse(operand)})"), mode="eval").body

    if isinstance(node, ast.BinOp):
        side = "left" if fix.argument == "0" else "right"
        setattr(node, side, wrapped(getattr(node, side)))
        return
    outer, _, inner = fix.argument.rstrip("]").partition("[")
    operands: Any = node.args
    place = int(outer)
    if inner:
        operands, place = node.args[place].elts, int(inner)
    if len(operands) == 2 and ".interpolate({}" in text:  # in a loop another number each time
        text = f"F.interpolate({{}}, size={ast.unparse(operands[1 - place])}.shape[2:])"
    operands[place] = wrapped(operands[place])
