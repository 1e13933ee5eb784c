"""Find the input contract of a model: the sizes that it accepts, each alone and all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from skiplint.analysis.contract.axes import Axis, FreeAxes, batch_axis
from skiplint.analysis.contract.contract import AxisContract, Contract, Failure
from skiplint.analysis.contract.failing import failure_at
from skiplint.analysis.contract.joint import all_together, another, least, moved
from skiplint.analysis.contract.probing import Answers, Budget, Point, Prober, TooManyProbesError, TriedShapes
from skiplint.analysis.contract.roundings import joins_may_depend
from skiplint.analysis.contract.sizes import Sizes
from skiplint.analysis.contract.solving import OFFSETS, bisect, doubtful, next_fit, solve
from skiplint.analysis.contract.tables import table_lengths
from skiplint.analysis.contract.tabulated import within_tables
from skiplint.analysis.provider import TracedModel

if TYPE_CHECKING:
    from skiplint.graph import ModelGraph
    from skiplint.tracing import Subject

_FEWEST = 12
"""The least number of forwards for a contract; if fewer are left, none is run."""


def find_contract(
    graph: ModelGraph, subject: Subject | None, axes: tuple[Axis, ...], known: Answers
) -> Contract | None:
    """Return the sizes that the inputs of a model may have.

    Args:
        graph: the graph of the example.
        subject: the model, if there is one.
        axes: the free sizes of its inputs.
        known: the answers of earlier probes, to which new ones are added.

    Returns:
        The contract; None if it cannot be found: there is no model or it needs values to run, its inputs have
        no free sizes, it fails on the example, it is too large to be run often enough, or its sizes follow no
        pattern.
    """
    if subject is None or graph.faults or graph.backend == "eager" or not axes:
        return None
    batch, budget = batch_axis(graph), Budget(graph)
    if budget.left < _FEWEST:
        return None
    try:
        with subject.attempts(graph.backend) as attempt:
            prober = Prober(subject, axes, attempt, budget, known)
            limits = [table_lengths(graph, axis.size) for axis in axes]
            contract = _contract(prober, axes, limits)
            points = _refused(prober, contract)
            batches = Prober(subject, (batch,) if batch else (), attempt, budget, known)
            contract = replace(contract, batch=_batch(batches, batch))
            failures = tuple(failure_at(graph, subject, prober, point) for point in points)
            contract = within_tables(replace(contract, failures=failures), graph, subject, prober)
            return replace(contract, probes=len(known) - 1)
    except TooManyProbesError:
        return None


def refused_nearby(graph: ModelGraph, subject: Subject, axes: tuple[Axis, ...], known: Answers) -> bool:
    """Return whether a size near the example is refused, other than by a check of the model itself.

    Args:
        graph: the graph of the example.
        subject: the model.
        axes: the sizes to change.
        known: the answers of earlier probes, to which new ones are added.
    """
    with subject.attempts(graph.backend) as attempt:
        prober = Prober(subject, axes, attempt, Budget(graph), known)
        point = nearby(prober) if prober.left >= _FEWEST else None
        refusal = None if point is None else prober.refusal(point)
    return refusal is not None and not refusal.deliberate


def nearby(prober: Prober) -> Point | None:
    """Return a refused point near the example at which every size is changed; None if all are accepted.

    The points are chosen so that every period up to 64 on every axis is broken by one of them.
    """
    width = len(prober.base)
    for first in range(0, len(OFFSETS), min(width, 2)):
        steps = [OFFSETS[(first + number) % len(OFFSETS)] for number in range(width)]
        point = tuple(size + step for size, step in zip(prober.base, steps, strict=True))
        if not prober.accepts(point):
            return point
    return None


def _contract(prober: Prober, axes: Sequence[Axis], limits: Sequence[Sequence[int]]) -> Contract:
    open_above = nearby(prober) is None and all(map(prober.accepts, _upper(prober.base, limits)))
    if open_above:
        bound = 1 if _small_ones_run(prober) else _common_minimum(prober)
        if bound is not None:
            return Contract(tuple(AxisContract(axis, Sizes(bound)) for axis in axes))
    found: list[Sizes] = []
    for number in range(len(axes)):
        found.append(_one(prober, number, found, limits[number], open_above=open_above))
    return all_together(prober, axes, found)


def _upper(base: Point, limits: Sequence[Sequence[int]]) -> list[Point]:
    """Points far above the example and beyond the end of every table."""
    points = [tuple(size * (2 + number % 2) + 1 + number for number, size in enumerate(base))]
    for number, lengths in enumerate(limits):
        points += [(*base[:number], length + 1, *base[number + 1 :]) for length in lengths]
    return points


def _small_ones_run(prober: Prober) -> bool:
    width = len(prober.base)
    halves = tuple(max(size // 2 - number, 1) for number, size in enumerate(prober.base))
    points = [(1,) * width, tuple(2 + number for number in range(width)), halves]
    return all(prober.accepts(point) for point in points)


def _common_minimum(prober: Prober) -> int | None:
    """The common minimum of all sizes, if all larger sizes are accepted; else None."""
    base = prober.base

    def all_at(size: int) -> bool:
        return prober.accepts((size,) * len(base))

    least = min(base)
    if not all_at(least):
        return None
    bound = bisect(range(1, least + 1), all_at)
    alone = [(*base[:number], bound - 1, *base[number + 1 :]) for number in range(len(base))]
    tries = {*doubtful(Sizes(bound), least), bound - 2} - {0, -1, bound - 1, bound}
    simple = not any(prober.accepts(point) for point in alone)
    return bound if simple and all(all_at(size) == (size >= bound) for size in sorted(tries)) else None


def _one(
    prober: Prober, number: int, before: Sequence[Sizes], limits: Sequence[int], *, open_above: bool
) -> Sizes:
    """The sizes of one axis, the others as in the example; those of the axis before it are tried first."""
    accepts = _line(prober, number)
    start = prober.base[number]
    for sizes in before[-1:]:
        tries = {*doubtful(sizes, start), start + 1, start + 2, start + 7, next_fit(sizes, start + 20)}
        if sizes.accepts(start) and all(accepts(size) == sizes.accepts(size) for size in sorted(tries)):
            return sizes
    return solve(accepts, start, open_above=open_above, limits=limits)


def _line(prober: Prober, number: int) -> Callable[[int], bool]:
    def accepts(size: int) -> bool:
        return prober.accepts((*prober.base[:number], size, *prober.base[number + 1 :]))

    return accepts


def _batch(prober: Prober, axis: Axis | None) -> Sizes:
    """The sizes of the batch: any size, unless the one above the example's is refused."""
    if axis is None:
        return Sizes()
    if prober.accepts((axis.size + 1,)):
        return Sizes()
    return solve(lambda size: prober.accepts((size,)), axis.size)


def _refused(prober: Prober, contract: Contract) -> list[Point]:
    """Points to show: the nearest refused ones above the example, then those beyond the bounds."""
    base = prober.base
    wanted: list[list[int]] = []
    for each, size in zip(contract.axes, base, strict=True):
        sizes = each.sizes
        near = next((n for n in range(size + 1, size + 2 * sizes.modulus + 1) if not sizes.accepts(n)), size)
        below = next((n for n in range(size, 0, -1) if sizes.fits(n) and n == sizes.minimum), size) - 1
        wanted.append([near, below if sizes.minimum > 1 and below >= 1 else size])
        wanted[-1].append(sizes.maximum + 1 if sizes.maximum is not None else size)
    points = list(zip(*wanted, strict=True))
    if contract.equal:
        last = contract.equal[-1]
        points.insert(0, moved(base, {last: another(contract.axes[last].sizes, base[last])}))
    if contract.together:
        points.append(tuple(least(each.sizes, base[number]) for number, each in enumerate(contract.axes)))
    return [point for point in dict.fromkeys(points) if point != base and not prober.accepts(point)]


class InputContract:
    """The contract of a traced model, as :func:`find_contract` finds it."""

    @staticmethod
    def compute(analysis: TracedModel) -> Contract | None:
        """Ask the live model; answers that other analyses got before are not asked for again."""
        return find_contract(
            analysis.graph, analysis.subject, analysis.of(FreeAxes), analysis.of(TriedShapes)
        )


class SizeDependence:
    """The join that fails at the refused size nearest to the example, if only joins fail there.

    It costs little for most models: the graph shows that no join can depend on the size, or a few forwards at
    sizes nearby run.
    """

    @staticmethod
    def compute(analysis: TracedModel) -> Failure | None:
        """Look for the failure; None if there is none, or if the model itself checks which sizes it takes."""
        graph, subject = analysis.graph, analysis.subject
        if subject is None or graph.faults or graph.backend == "eager":
            return None
        axes, known = analysis.of(FreeAxes), analysis.of(TriedShapes)
        if not axes or not joins_may_depend(graph, axes) or not refused_nearby(graph, subject, axes, known):
            return None
        contract = analysis.of(InputContract)
        if contract is None or not contract.failures:
            return None
        nearest = contract.failures[0]
        if contract.equal or any(each.sizes.stepped for each in contract.axes):
            return nearest if nearest.kind == "join" else None
        # If no other sizes run, other calls may need these sizes too: all failures have to be at joins.
        failures = (*contract.failures, *_far_off(graph, subject, axes, known))
        return nearest if all(failure.kind == "join" and failure.alone for failure in failures) else None


def _far_off(graph: ModelGraph, subject: Subject, axes: tuple[Axis, ...], known: Answers) -> list[Failure]:
    """The failures at twice and half the example's sizes, since rounding may hide a small change."""
    with subject.attempts(graph.backend) as attempt:
        prober = Prober(subject, axes, attempt, Budget(graph), known)
        points = [tuple(2 * size for size in prober.base), tuple(max(size // 2, 1) for size in prober.base)]
        return [failure_at(graph, subject, prober, point) for point in points if not prober.accepts(point)]
