"""The calls by which a file shows how its models are built and run, evaluated without running the rest of it.

A file often shows how its model is built and called: in the ``__main__`` block, at module level, or in a
small function such as ``def test():``. Only the expressions that such a call needs are evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from skiplint.targets.evaluation.expressions import Evaluator, NotSimpleError
from skiplint.targets.evaluation.passed import ProjectReading
from skiplint.targets.evaluation.slices import Body, own_expressions
from skiplint.targets.models.mentions import FunctionNode
from skiplint.targets.models.project import Project
from skiplint.targets.models.syntax import FileSyntax, flatten, names_used, returned_names
from skiplint.targets.records import Arguments, DemoCall

SHAPE_CALLS = frozenset({"summary"})
"""Functions that are given a model and the shapes of its inputs."""
INPUT_CALLS = frozenset({"trace", "export", "profile", "FlopCountAnalysis", "draw_graph"})
"""Functions that are given a model and its inputs."""
CHAINED = frozenset("to cuda cpu eval train float half double requires_grad_ module".split())
"""Methods of a model that give the model."""


@dataclass(frozen=True)
class Block:
    """Statements that run in order, and the values that they give to names."""

    label: str
    statements: tuple[ast.stmt, ...]
    made: frozenset[str] = frozenset()
    """What a function makes and returns: it is a factory of that, and no demo."""

    @cached_property
    def bindings(self) -> list[tuple[int, str, ast.expr, int | None]]:
        """(order, name, value, index into the value for ``a, b = value``) of every assignment."""
        return list(_bindings(self.statements))

    def lookup(self, name: str, before: int) -> tuple[int, ast.expr, int | None] | None:
        """The last assignment to ``name`` before statement number ``before``."""
        for order, bound, value, index in reversed(self.bindings):
            if bound == name and order < before:
                return order, value, index
        return None

    def calls(self) -> Iterator[tuple[int, ast.Call]]:
        """Every call in the block with the number of its statement, in order."""
        for order, statement in enumerate(self.statements):
            for node in own_expressions(statement):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Call):
                        yield order, inner


@dataclass(frozen=True)
class DemoReader:
    """Finds the calls by which one file shows how its models are built and run."""

    syntax: FileSyntax
    display: str
    namespace: Mapping[str, Any] = field(repr=False)
    project: Project = field(repr=False)

    @cached_property
    def blocks(self) -> list[Block]:
        """The parts of the file in which such calls may be, the most telling first."""
        blocks = [
            Block("the __main__ block", tuple(flatten(self.syntax.main_block))),
            Block("module level", tuple(self.syntax.statements)),
        ]
        for name, node in self.syntax.functions.items():
            if not _needs_arguments(node):
                blocks.append(Block(f"{name}()", tuple(flatten(node.body)), frozenset(returned_names(node))))
        return [block for block in blocks if block.statements]

    @cached_property
    def _file(self) -> FileSyntax:
        return FileSyntax(self.syntax.path.resolve(), self.syntax.tree)

    @cached_property
    def _bodies(self) -> dict[int, Body]:
        return {}

    def constructor_calls(self, name: str) -> list[DemoCall]:
        """The calls ``name(...)`` by which the file builds that class."""
        found = []
        for block in self.blocks:
            if block.made & set(self.syntax.references):
                continue  # a factory, and no demo
            for order, call in block.calls():
                if isinstance(call.func, ast.Name) and call.func.id == name and not block.lookup(name, order):
                    found.append(self._demo(block, call, name, all_arguments(call)))
        return found

    def model_calls(self, names: set[str]) -> list[DemoCall]:
        """The calls of models that one of ``names`` has made: the inputs that the file itself uses."""
        found = []
        for block in self.blocks:
            for order, call in block.calls():
                found.extend(self._model_call(block, order, call, names))
        return found

    def _model_call(self, block: Block, order: int, call: ast.Call, names: set[str]) -> list[DemoCall]:
        target = call.func
        if isinstance(target, ast.Attribute) and target.attr == "forward":
            target = target.value
        name = _model_of(target, block, order, names)
        made_here = isinstance(target, ast.Name) and name == target.id and name not in self.syntax.assignments
        if name and not isinstance(target, ast.Attribute) and not made_here:
            return [self._demo(block, call, name, all_arguments(call))]
        function = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if function in SHAPE_CALLS | INPUT_CALLS and call.args:
            name = _model_of(call.args[0], block, order, names)
            if name:
                kind = from_shapes if function in SHAPE_CALLS else from_inputs
                return [self._demo(block, call, name, lambda ev: kind(ev, call))]
        return []

    def _demo(
        self,
        block: Block,
        call: ast.Call,
        name: str,
        read: Callable[[Evaluator], list[Arguments]],
    ) -> DemoCall:
        def evaluate() -> list[Arguments]:
            namespaces = {self._file.path: self.namespace}
            reading = ProjectReading(self.project, namespaces, runs_modules=True, bodies=self._bodies)
            return read(reading.at(self._file, call).evaluator)

        return DemoCall(
            f"{self.display}:{call.lineno} ({block.label})",
            name,
            call.lineno,
            evaluate,
            _argument_names(call),
        )


def all_arguments(call: ast.Call) -> Callable[[Evaluator], list[Arguments]]:
    """What reads the inputs of a call of the model itself."""
    return lambda evaluator: [evaluator.arguments(call)]


def from_shapes(evaluator: Evaluator, call: ast.Call) -> list[Arguments]:
    """Inputs of ``summary(model, (3, 224, 224))``, with or without the batch dimension."""
    import torch

    args, kwargs = evaluator.arguments(call, skip=1)
    shapes = kwargs.get("input_size", args[0] if args else None)
    if not isinstance(shapes, list | tuple) or not shapes:
        raise NotSimpleError("no input size")
    if all(isinstance(item, int) for item in shapes):
        shapes = [shapes]
    if not all(isinstance(shape, list | tuple | torch.Size) for shape in shapes):
        raise NotSimpleError("no input size")
    batched = tuple(torch.randn(1, *shape) for shape in shapes)
    return [(batched, {}), (tuple(torch.randn(*shape) for shape in shapes), {})]


def from_inputs(evaluator: Evaluator, call: ast.Call) -> list[Arguments]:
    """Inputs of ``torch.jit.trace(model, x)``, ``torch.onnx.export(model, (x, y), ...)`` and their like."""
    import torch

    value: Any = None
    for keyword in call.keywords:
        if keyword.arg in ("inputs", "args", "example_inputs", "input_data"):
            value = evaluator.evaluate(keyword.value)
    if value is None and len(call.args) > 1:
        value = evaluator.evaluate(call.args[1])
    if isinstance(value, torch.Tensor):
        return [((value,), {})]
    if isinstance(value, list | tuple) and value:
        return [(tuple(value), {})]
    raise NotSimpleError("no inputs")


def _model_of(node: ast.expr, block: Block, order: int, names: set[str]) -> str | None:
    """Which of ``names`` made the model that ``node`` stands for, None if it is no such model."""
    if isinstance(node, ast.Name):
        bound = block.lookup(node.id, order)
        if bound is None or bound[2] is not None:
            return node.id if bound is None and node.id in names else None
        made = _model_of(bound[1], block, bound[0], names) if isinstance(bound[1], ast.Call) else None
        return made or (node.id if node.id in names else None)
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name) and node.func.id in names:
        return node.func.id
    if isinstance(node.func, ast.Attribute) and node.func.attr in CHAINED:
        return _model_of(node.func.value, block, order, names)
    if node.args and isinstance(node.func, ast.Attribute | ast.Name) and wraps(node.func):
        return _model_of(node.args[0], block, order, names)
    return None


def wraps(function: ast.Attribute | ast.Name) -> bool:
    """Whether a call of ``function`` gives the model that it is given, in a wrapper."""
    name = function.attr if isinstance(function, ast.Attribute) else function.id
    return name in ("DataParallel", "DistributedDataParallel", "compile", "script", "convert_sync_batchnorm")


def _argument_names(call: ast.Call) -> frozenset[str]:
    return frozenset(names_used([*call.args, *(keyword.value for keyword in call.keywords)]))


def _bindings(statements: tuple[ast.stmt, ...]) -> Iterator[tuple[int, str, ast.expr, int | None]]:
    for order, node in enumerate(statements):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.AugAssign):
            pairs = [(node.target, ast.BinOp(_as_load(node.target), node.op, node.value))]
        for target, value in pairs:
            if isinstance(target, ast.Name):
                yield order, target.id, value, None
            elif isinstance(target, ast.Tuple | ast.List):
                for index, item in enumerate(target.elts):
                    if isinstance(item, ast.Name):
                        yield order, item.id, value, index


def _as_load(target: ast.expr) -> ast.expr:
    return ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else target


def _needs_arguments(node: FunctionNode) -> bool:
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > 0 or any(default is None for default in arguments.kw_defaults)
