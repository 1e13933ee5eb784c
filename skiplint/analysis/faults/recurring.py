"""Faults grouped by cause: a line or a layer that fails each time that it runs is one fault."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from skiplint.analysis.provider import TracedModel
from skiplint.graph import Fault, ModelGraph, Operand, Operation

_MOST_STEPS = 64


@dataclass(frozen=True, slots=True)
class Recurring:
    """A fault and the number of further calls that fail for the same reason."""

    fault: Fault
    again: int = 0
    """Further calls that fail in the same way."""

    @property
    def note(self) -> str:
        """How often the fault comes again, for the end of a sentence; empty if it does not."""
        if not self.again:
            return ""
        return f" (and again in {self.again} more call{'s' if self.again > 1 else ''})"


class RecurringFaults:
    """The faults of a traced model, each once; see :func:`recurring_faults`."""

    @staticmethod
    def compute(analysis: TracedModel) -> tuple[Recurring, ...]:
        """Group the faults of the graph."""
        return recurring_faults(analysis.graph)


def recurring_faults(graph: ModelGraph) -> tuple[Recurring, ...]:
    """The faults of a graph, each once, in the order in which they come first.

    Layers of a list that fail in one line of a loop are different faults, for each has to be mended; a
    layer that is called again is not, nor is a line whose own crop or reshape is wrong each time.
    """
    kinds: dict[Hashable, list[list[Fault]]] = {}
    for fault in graph.faults:
        alike = kinds.setdefault(_cause(graph, fault), [])
        same = next((group for group in alike if _differ_alike(group[0], fault)), None)
        if same is None:
            alike.append([fault])
        else:
            same.append(fault)
    groups = [group for alike in kinds.values() for group in alike]
    found = (Recurring(group[0], len(group) - 1) for group in groups)
    return tuple(sorted(found, key=lambda each: each.fault.operation))


def _cause(graph: ModelGraph, fault: Fault) -> Hashable:
    """What would have to be changed: the layer, the call itself, or what made the operand."""
    operation = graph.operations[fault.operation]
    line = operation.location or operation.id
    if fault.kind == "layer" and operation.parameters:
        return line, operation.base_name, fault.operand, operation.parameters
    if fault.kind == "shape" and operation.parameters:
        return line, operation.base_name, operation.parameters
    turned = fault.actual != fault.expected and sorted(fault.actual) == sorted(fault.expected)
    if fault.kind == "shape" or fault.axis is not None or turned:
        return line, operation.base_name, fault.operand, repr(operation.args), repr(operation.kwargs)
    return line, operation.base_name, _origin(graph, operation.operands[fault.operand])


def _origin(graph: ModelGraph, operand: Operand) -> Hashable:
    """What gave an operand its shape: a layer or an input by name, anything else by its line."""
    operation = graph.operations[operand.producer]
    for _ in range(_MOST_STEPS):
        before = next(_kept(graph, operation), None)
        if before is None:
            break
        operation = before
    if operation.weighted or operation.kind != "call" or _is_of_torch(operation) or not operation.location:
        return operation.module or operation.id, operation.base_name, operation.parameters
    return operation.location, operation.base_name


def _kept(graph: ModelGraph, operation: Operation) -> Iterator[Operation]:
    """The operations whose results ``operation`` gives on in their shape."""
    if operation.weighted or operation.kind != "call":
        return
    for operand in operation.operands:
        if (
            graph.operations[operand.producer].data
            and graph.spec(operand).shape == operation.outputs[0].shape
        ):
            yield graph.operations[operand.producer]


def _is_of_torch(operation: Operation) -> bool:
    return operation.module_class.startswith("torch.nn.modules.")


def _differ_alike(left: Fault, right: Fault) -> bool:
    """Whether two operands are off by the same sizes, or by the same factors."""
    pairs = [list(zip(each.actual, each.expected, strict=False)) for each in (left, right)]
    if any(len(each.actual) != len(each.expected) for each in (left, right)):
        return left.actual == right.actual
    gaps = [[have - want for have, want in each] for each in pairs]
    factors = [[have / max(want, 1) for have, want in each] for each in pairs]
    return gaps[0] == gaps[1] or factors[0] == factors[1]
