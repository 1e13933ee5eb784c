"""What several rules want to know of a graph: owners of operations, norms, plain words for tensors."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from skiplint.analysis.analysis import Analysis
from skiplint.analysis.faults.recurring import Recurring
from skiplint.analysis.flow import Flow, feature_flow
from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators import Family

Tensor = tuple[int, int]
"""A tensor as (producer, output)."""
Scope = tuple[str, int]
"""One call of one module, as (path, call)."""

_flows: WeakKeyDictionary[Analysis, Flow] = WeakKeyDictionary()


def flow_of(analysis: Analysis) -> Flow:
    """The feature flow of a graph, computed once for all rules."""
    flow = _flows.get(analysis)
    if flow is None:
        flow = _flows[analysis] = feature_flow(analysis.graph)
    return flow


def tensor(operand: Operand) -> Tensor:
    """The tensor that ``operand`` reads, whoever reads it."""
    return operand.producer, operand.output


def tensor_name(graph: ModelGraph, operand: Operand) -> str:
    """``operand`` in words: a model input by its name, else what made it."""
    producer = graph.operations[operand.producer]
    if producer.kind == "input":
        return f"the model input {producer.id.removeprefix('input/')}"
    return f"the output of {producer.id}"


def inside(module: str, owner: str) -> bool:
    """Whether ``module`` is ``owner`` or one of the modules below it."""
    return not owner or module == owner or module.startswith(f"{owner}.")


def common_owner(left: str, right: str) -> str:
    """The innermost module that both paths are inside."""
    shared: list[str] = []
    for one, other in zip(left.split("."), right.split("."), strict=False):
        if one != other:
            break
        shared.append(one)
    return ".".join(shared)


def parent(module: str) -> str:
    """The module one level up, "" for the model itself."""
    return module.rpartition(".")[0]


class Blocks:
    """Which module a join belongs to: the innermost one around it that has weighted layers."""

    def __init__(self, graph: ModelGraph) -> None:
        self._weighted: set[str] = {""}
        for operation in graph:
            path = operation.module
            while operation.weighted and path not in self._weighted:
                self._weighted.add(path)
                path = parent(path)

    def of(self, operation: Operation) -> str:
        """The path of that module."""
        path = operation.module
        while path not in self._weighted:
            path = parent(path)
        return path


def past_views(flow: Flow, operand: Operand) -> Operand:
    """What ``operand`` is a view, a copy or a dropped-out version of."""
    for _ in range(16):
        operation = flow.graph.operations[operand.producer]
        reads = flow.reads[operand.producer]
        if not operation.op.is_unchanged or len(reads) != 1:
            break
        operand = reads[0]
    return operand


def is_depthwise(graph: ModelGraph, operation: Operation) -> bool:
    """Whether ``operation`` is a convolution with a filter of its own for each channel."""
    if not operation.op.is_a(Family.CONVOLUTION) or len(operation.operands) < 2:
        return False
    groups = operation.setting("groups")
    channels = graph.spec(operation.operands[0]).shape[-len(graph.spec(operation.operands[1]).shape) + 1]
    return isinstance(groups, int) and groups == channels > 1


def shapes_of(graph: ModelGraph, operands: Sequence[Operand]) -> tuple[tuple[int, ...], ...]:
    """The shapes of what meets at a join."""
    return tuple(graph.spec(operand).shape for operand in operands)


def again(recurring: Recurring) -> str:
    """How often a fault comes again, for the end of a sentence."""
    if not recurring.again:
        return ""
    return f" (and again in {recurring.again} more call{'s' if recurring.again > 1 else ''})"


def sizes(shape: tuple[int, ...]) -> str:
    """``1x64x32x32``."""
    return "x".join(map(str, shape)) or "a scalar"
