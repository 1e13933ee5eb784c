"""Layers in a row that no path from an input to an output avoids, with no skip joining between them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips import Skips
from skiplint.analysis.structure.depthwise import is_depthwise
from skiplint.graph import ModelGraph, Operand, Operation

MOST_PLAIN_LAYERS = 20
"""More layers than these in a plain run train worse the more there are (He et al. 2016, arXiv 1512.03385)."""


class PlainRuns:
    """Weighted layers that no path avoids, in runs that end at the joins of skips, in execution order.

    A depthwise convolution and the pointwise one after it count as one layer; a layer that is called again
    counts once.
    """

    @staticmethod
    def compute(analysis: TracedModel) -> tuple[tuple[Operation, ...], ...]:
        """Find the layers of a traced model that no path avoids and split them at the joins."""
        graph = analysis.graph
        joins = {skip.join for skip in analysis.of(Skips)}
        unavoidable = _unavoidable(graph)
        runs: list[list[Operation]] = [[]]
        for operation in graph:
            run = runs[-1]
            if operation.index in joins and run:
                run = []
                runs.append(run)
            if operation.index in unavoidable and operation.weighted and operation.call == 0:
                if run and is_depthwise(graph, run[-1]) and not is_depthwise(graph, operation):
                    run.pop()  # the two are one separable convolution
                run.append(operation)
        return tuple(tuple(run) for run in runs if run)


def _unavoidable(graph: ModelGraph) -> frozenset[int]:
    """Operations that lie on every path a gradient can take between an input and an output.

    Execution order is topological, so a path avoids an operation just when one of its edges passes over
    the operation's place in that order. Paths begin before the first place and end after the last.
    """
    flows, sources = _flowing(graph)
    end = len(graph)
    # starts[i] counts the edges that begin before place i, less those that end there.
    starts = [0] * (end + 2)

    def edge(source: int, target: int) -> None:
        starts[source + 1] += 1
        starts[target] -= 1

    for index in flows:
        operation = graph.operations[index]
        if index in sources:
            edge(-1, index)
        if operation.kind == "output":
            edge(index, end)
        for operand in operation.operands:
            if operand.producer in flows and _carries_gradient(graph, operand):
                edge(operand.producer, index)
    passing = accumulate(starts)
    return frozenset(index for index, over in enumerate(passing) if over == 0 and index in flows)


def _flowing(graph: ModelGraph) -> tuple[set[int], set[int]]:
    """Operations on some path from an input to an output, and those of them where such a path begins.

    A path begins at an input of floating-point numbers, or at a layer that looks integers up. A mask that
    is made of integers begins none: it is no feature.
    """
    forward: set[int] = set()
    sources: set[int] = set()
    for operation in graph:
        if any(operand.producer in forward for operand in _gradient_operands(graph, operation)):
            forward.add(operation.index)
        elif operation.data and (operation.weighted or _is_float_input(operation)):
            forward.add(operation.index)
            sources.add(operation.index)
    both: set[int] = set()
    for operation in reversed(graph.operations):
        if operation.index in forward and (operation.kind == "output" or operation.index in both):
            both.add(operation.index)
            both.update(
                operand.producer
                for operand in _gradient_operands(graph, operation)
                if operand.producer in forward
            )
    return both, sources & both


def _is_float_input(operation: Operation) -> bool:
    return operation.kind == "input" and any(spec.floating for spec in operation.outputs)


def _gradient_operands(graph: ModelGraph, operation: Operation) -> Iterator[Operand]:
    return (operand for operand in operation.operands if _carries_gradient(graph, operand))


def _carries_gradient(graph: ModelGraph, operand: Operand) -> bool:
    return graph.operations[operand.producer].data and graph.spec(operand).floating
