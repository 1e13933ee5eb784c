"""Skip connections of a graph, decided from its data flow alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skiplint.analysis.flow import ROOT, UNKNOWN, Flow, feature_flow
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips.axes import joins_features, picks_one_position
from skiplint.analysis.skips.cells import carried_states
from skiplint.analysis.skips.forks import MainPaths, Match, find_forks
from skiplint.analysis.skips.joins import Branch, Join, ScaleKind, find_joins, is_learned, reaches
from skiplint.analysis.skips.logical import LogicalJoins
from skiplint.analysis.skips.roles import (
    feature_operations,
    gate_operand,
    losses,
)
from skiplint.display.facts import Facts, Shown, counted
from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators import Family

SkipKind = Literal["additive", "concatenative", "gated"]
ShortcutKind = Literal["identity", "projection"]


@dataclass(frozen=True, slots=True)
class Connection:
    """One operand of a join that is the end of a shortcut."""

    operand: int
    """Which of ``Skip.operands`` it is."""
    fork: Operand
    """The tensor that the shortcut starts from, as (producer, output)."""
    shortcut: ShortcutKind
    span: int
    """Weighted layers on the main path from the fork to the join, inner shortcuts not taken."""
    carries: tuple[str, ...] = ()
    """Names of the operations on the shortcut, from fork to join (``chunk``, ``max_pool2d``, ``conv2d``)."""
    path: tuple[int, ...] = ()
    """Indices of the same operations."""


@dataclass(frozen=True, slots=True)
class Skip(Shown):
    """One logical join and the shortcuts that end in it."""

    kind: SkipKind
    shortcut: ShortcutKind
    """``identity`` if any connection is one, else ``projection``."""
    join: int
    """Index of the operation that completes the join."""
    steps: tuple[int, ...]
    """Indices of all operations that make up the logical join, ``join`` last."""
    operands: tuple[Operand, ...]
    """What is joined, in the order of the source."""
    connections: tuple[Connection, ...]
    """The shortcuts among the operands, nearest fork first."""
    span: int
    """The largest span of its connections."""
    long: bool
    """Encoder to decoder, or around other skips, rather than inside one block."""
    scale: ScaleKind | None = None
    gate: int | None = None
    """Index of the operation that multiplies by the gate (gated skips only)."""

    def __repr__(self) -> str:
        fork = self.connections[0].fork.producer
        return f"Skip({self.kind}, {self.shortcut}, operations {fork} to {self.join}, span {self.span})"

    def _headline(self) -> str:
        return f"{self.kind} skip, {self.shortcut}{', long' if self.long else ''}"

    def _facts(self) -> Facts:
        nearest = self.connections[0]
        facts = [
            ("fork", f"output {nearest.fork.output} of graph.operations[{nearest.fork.producer}]"),
            ("join", f"graph.operations[{self.join}], of {counted(len(self.operands), 'operand')}"),
            ("span", counted(self.span, "weighted layer")),
            ("carries", ", ".join(nearest.carries) or "nothing"),
        ]
        if len(self.connections) > 1:
            facts.append(("shortcuts", str(len(self.connections))))
        if self.scale is not None:
            facts.append(("scale", self.scale))
        if self.gate is not None:
            facts.append(("gate", f"graph.operations[{self.gate}]"))
        return facts


def find_skips(graph: ModelGraph) -> tuple[Skip, ...]:
    """Every skip connection of ``graph``, one entry a logical join, in execution order.

    Joins are taken in execution order, so the skips inside a main path are known when the skip around
    it is judged. The time is near-linear: the search from a join ends at the nearest fork, and crosses
    finished blocks in one step through the dominator tree.
    """
    return _find(feature_flow(graph))


class Skips:
    """Every skip connection of a traced model, as :func:`find_skips` finds them."""

    @staticmethod
    def compute(analysis: TracedModel) -> tuple[Skip, ...]:
        """Find them in the flow that all analyses share."""
        return _find(analysis.of(Flow))


def _find(flow: Flow) -> tuple[Skip, ...]:
    finder = _Finder(flow, feature_operations(flow), losses(flow))
    for step in find_joins(flow):
        finder.judge(step)
    cells = [_cell_skip(flow, operation, state) for operation, state in carried_states(flow)]
    return tuple(sorted([*finder.found.values(), *cells], key=lambda skip: skip.join))


def _cell_skip(flow: Flow, operation: Operation, state: Operand) -> Skip:
    connection = Connection(operand=1, fork=state, shortcut="identity", span=1)
    return Skip(
        kind="gated",
        shortcut="identity",
        join=operation.index,
        steps=(operation.index,),
        operands=(flow.reads[operation.index][0], state),
        connections=(connection,),
        span=1,
        long=False,
        gate=operation.index,
    )


class _Finder:
    def __init__(self, flow: Flow, features: frozenset[int], lost: frozenset[int]) -> None:
        self.flow = flow
        self.found: dict[int, Skip] = {}
        self._forks: dict[int, tuple[int, ...]] = {}
        self._features = features
        self._lost = lost
        self._paths = MainPaths(flow)
        self._logical = LogicalJoins(flow, self._paths)
        self._last: dict[int, int] = {}

    def judge(self, step: Join) -> None:
        """Add the skip that ends in ``step``, if there is one, in place of those that it completes."""
        join, absorbed = self._logical.merge(step, self._forks)
        if join.index in self._lost:
            return
        matches = [match for match in find_forks(self.flow, join, self._paths) if self._counts(join, match)]
        if not matches or (join.kind == "concatenative" and not self._grows_features(join)):
            return
        for index in absorbed:
            self.found.pop(index, None)
            self._forks.pop(index, None)
        skip = self.found[join.index] = self._skip(join, matches)
        self._forks[join.index] = tuple(connection.fork.producer for connection in skip.connections)
        self._mark_shortcuts(join, [join.branches[match.position].operand for match in matches])

    def _mark_shortcuts(self, join: Join, ends: list[Operand]) -> None:
        """Mark the reads by which shortcuts enter the steps of ``join``.

        A step that takes in nothing but shortcuts hands on a shortcut: ``cat(cat(x, a), b)``.
        """
        tensors = {(end.producer, end.output) for end in ends}
        for step in join.steps:
            reads = self.flow.reads[step]
            short = [read for read in reads if (read.producer, read.output) in tensors]
            for read in short:
                self._paths.mark(step, read)
            if len(short) == len(reads):
                tensors.add((step, 0))
        self._paths.refresh(join.steps)

    def _counts(self, join: Join, match: Match) -> bool:
        """The conditions of the definition that concern more than distances."""
        feature = join.index in self._features
        if self._picks_one_position(match, self._end(join, match)):
            return False  # one step of a sequence beside the state of the step before
        if match.distance == 0:
            if not feature and self.flow.tree.longest[match.fork.producer] == 0:
                return False  # an attention mask: an input that is only ever added to scores
            if self._writes_back(join, match):
                return False
            return join.kind == "additive" or not self._pools_in_parallel(match, join)
        if not feature:
            return False
        if join.kind == "concatenative":
            return self._returns_to_resolution(match.fork.producer, self._end(join, match))
        branch = join.branches[match.position]
        whole = self.flow.graph.operations[join.index].outputs[0].shape
        return self.flow.graph.spec(branch.operand).shape == whole

    def _picks_one_position(self, match: Match, end: int) -> bool:
        for index in reversed(match.path):
            operation = self.flow.graph.operations[index]
            if operation.op.is_a(Family.CONCATENATION):
                return False  # what was taken apart is whole again
            if picks_one_position(self.flow, operation) and not self._read_whole(operation, end):
                return True
        return False

    def _read_whole(self, pick: Operation, end: int) -> bool:
        """Whether the main path starts from all of what ``pick`` takes one position of.

        So it does where a class token attends to its sequence. A recurrence only ever sees other steps.
        """
        whole = self.flow.reads[pick.index][0].producer
        operations = self.flow.graph.operations
        return any(
            reader != pick.index
            and reaches(self.flow, reader, end)
            and not picks_one_position(self.flow, operations[reader])
            for reader in set(self.flow.readers[whole])
        )

    def _grows_features(self, join: Join) -> bool:
        return joins_features(self.flow, join) and not self._puts_together(join)

    def _puts_together(self, join: Join) -> bool:
        """Slices of one tensor, one of which a shortcut was added to, are put together again."""
        wholes = [self._slices_of(branch) for branch in join.branches]
        return bool(set.intersection(*wholes))

    def _slices_of(self, branch: Branch) -> set[int]:
        """What the branch is a slice of, itself or as the main operand of a skip that ends there."""
        skip = self.found.get(branch.operand.producer)
        operands: tuple[Operand, ...] = (branch.operand,)
        if skip is not None:
            ends = {connection.operand for connection in skip.connections}
            operands = tuple(each for place, each in enumerate(skip.operands) if place not in ends)
        producers = [self.flow.graph.operations[operand.producer] for operand in operands]
        slices = [each for each in producers if self._is_part(each)]
        return {self.flow.reads[each.index][0].producer for each in slices}

    def _is_part(self, operation: Operation) -> bool:
        """Whether it selects from features."""
        return operation.op.is_a(Family.SELECTION) and bool(self.flow.reads[operation.index])

    def _end(self, join: Join, match: Match) -> int:
        return join.branches[match.main].starts[0].producer

    def _writes_back(self, join: Join, match: Match) -> bool:
        """``x[i] += f(x[i])``: the sum is the join, storing it in ``x`` is none."""
        op = self.flow.graph.operations[join.index].op
        return op.is_a(Family.ITEM_WRITE, Family.UPDATE) and not match.strict

    def _returns_to_resolution(self, fork: int, end: int) -> bool:
        """Whether the main path goes to a lower resolution and comes back up (encoder to decoder)."""
        tree = self.flow.tree
        if not tree.dominates(fork, end):
            fork = tree.meet(fork, end)
        if fork == ROOT:
            return False
        lowest = tree.lowest_resolution(fork, end)
        return lowest < tree.resolution[end] and lowest < tree.resolution[fork]

    def _pools_in_parallel(self, match: Match, join: Join) -> bool:
        """A pooled copy beside strided convolutions is a branch of a reduction block, no skip."""
        tree, fork = self.flow.tree, match.fork.producer
        start = join.branches[match.position].starts[0].producer
        pooled = tree.resolution[start] < tree.resolution[fork] and tree.resolution[start] != UNKNOWN
        return pooled and not self._returns_to_resolution(fork, self._end(join, match))

    def _skip(self, join: Join, matches: list[Match]) -> Skip:
        connections = tuple(self._connection(match) for match in matches)
        gate = self._gate(join, matches)
        scales = {branch.scale for branch in join.branches} - {None} or {None}
        return Skip(
            kind="gated" if gate is not None else join.kind,
            shortcut="identity" if any(each.shortcut == "identity" for each in connections) else "projection",
            join=join.index,
            steps=join.steps,
            operands=tuple(branch.operand for branch in join.branches),
            connections=tuple(sorted(connections, key=lambda each: (-each.fork.producer, each.operand))),
            span=max(connection.span for connection in connections),
            long=any(self._is_long(join, match) for match in matches),
            scale=None if gate is not None else "parameter" if "parameter" in scales else scales.pop(),
            gate=gate,
        )

    def _connection(self, match: Match) -> Connection:
        operations = self.flow.graph.operations
        fork, path = match.fork, match.path
        producer = operations[fork.producer]
        while self._is_part(producer) and len(producer.outputs) > 1:
            path = (producer.index, *path)  # both halves of a chunk: what was split is the fork
            fork = self.flow.reads[producer.index][0]
            producer = operations[fork.producer]
        return Connection(
            operand=match.position,
            fork=fork,
            shortcut="projection" if match.distance else "identity",
            span=match.span,
            carries=tuple(operations[index].base_name for index in path),
            path=path,
        )

    def _gate(self, join: Join, matches: list[Match]) -> int | None:
        """The product that gates the shortcut, or all of the main branches."""
        shortcuts = {match.position for match in matches}
        for match in matches:
            gate = join.branches[match.position].gate
            if gate is not None and not self._only_normalises(gate):
                return gate
            for index in match.path:
                if self._is_gated(index):
                    return index
        if join.kind == "concatenative":
            return None
        rest = [branch for place, branch in enumerate(join.branches) if place not in shortcuts]
        gates = [branch.gate for branch in rest if branch.gate is not None and not self._gates_itself(branch)]
        return gates[0] if gates and len(gates) == len(rest) else None

    def _is_gated(self, index: int) -> bool:
        """Whether the operation multiplies by a learned gate; a mask that came in is none."""
        operation, reads = self.flow.graph.operations[index], self.flow.reads[index]
        if not operation.op.is_a(Family.PRODUCT) or len(reads) != 2 or self._only_normalises(index):
            return False
        factor = gate_operand(self.flow, operation)
        return factor is not None and is_learned(self.flow, reads[factor])

    def _only_normalises(self, gate: int) -> bool:
        """Whether a product's factor is made from the other one without weights: a norm by hand."""
        tree, reads = self.flow.tree, self.flow.reads[gate]
        if len(reads) != 2:
            return False
        for value, factor in (reads, reads[::-1]):
            above, below = value.producer, factor.producer
            if tree.dominates(above, below) and tree.longest[below] == tree.longest[above]:
                return True
        return False

    def _gates_itself(self, branch: Branch) -> bool:
        """Squeeze-and-excitation: the factor is computed from the very value that it multiplies."""
        assert branch.gate is not None
        reads = self.flow.reads[branch.gate]
        factors = [operand for operand in reads if operand not in branch.starts]
        return any(
            reaches(self.flow, value.producer, factor.producer)
            for value in branch.starts
            for factor in factors
        )

    def _is_long(self, join: Join, match: Match) -> bool:
        end = self._end(join, match)
        if self._returns_to_resolution(match.fork.producer, end):
            return True
        if len(join.branches) > 2:
            return False
        inner = self._nearest_skip(end)
        if inner is None or inner.join <= match.fork.producer:
            return False
        return all(connection.fork.producer > match.fork.producer for connection in inner.connections)

    def _nearest_skip(self, index: int) -> Skip | None:
        """The last finished skip on the dominator chain from ``index`` upwards."""
        chain = []
        while index != ROOT and index not in self._last:
            if index in self.found:
                self._last[index] = index
                break
            chain.append(index)
            index = self.flow.tree.parent[index]
        last = ROOT if index == ROOT else self._last[index]
        for each in chain:
            self._last[each] = last
        return self.found.get(last)
