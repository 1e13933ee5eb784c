"""The graph of residual blocks: what a model looks like from one skip to the next.

Its nodes are the model's inputs, the joins that end a skip, and for each join the *block* that its
shortcuts bypass; only a block has length. Whatever lies between two of these nodes is one edge, however
many operations and ways it has: two weighted layers, eight attention heads, a hand-made norm or a gate are
one way through a block. So n residual blocks in a row have the polynomial (1 + z)^n.

A block is known by where it starts and by the join that it leads to, and a tensor that ends a block carries
it to every reader. That is what makes a dense block come out right: layer 3 concatenates x0, the new
features of layer 1 and those of layer 2, and a path through the features of layer 1 has taken block 1
whether or not it comes by way of the concatenation before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from skiplint.analysis.paths.counts import PathGraph
from skiplint.analysis.paths.reads import output_tensors
from skiplint.analysis.skips import Connection, Skip
from skiplint.graph import ModelGraph, Operand

Nodes = frozenset[int]


@dataclass(frozen=True)
class BlockGraph:
    """The graph of blocks, and which of its edges are shortcuts."""

    paths: PathGraph
    joins: Mapping[int, int]
    """Node of each join, by the index of the operation that completes it."""
    shortcuts: Mapping[int, tuple[int, ...]]
    """What each join's node reads by a shortcut, once an edge, by the same index."""


def block_graph(graph: ModelGraph, skips: Sequence[Skip], reads: Sequence[Sequence[Operand]]) -> BlockGraph:
    """The graph of blocks of ``graph``, whose paths come by ``reads``."""
    condenser = _Condenser(graph, skips)
    for operation in graph:
        if operation.kind == "input":
            condenser.reach.append(frozenset({condenser.add((), 0)}))
            condenser.sources.append(len(condenser.rows) - 1)
        elif operation.index in condenser.ends:
            condenser.join(condenser.ends[operation.index], reads[operation.index])
        else:
            condenser.reach.append(condenser.together(reads[operation.index]))
    sinks = [condenser.add(sorted(condenser.tensor(operand)), 0) for operand in output_tensors(graph)]
    rows = tuple(map(tuple, condenser.rows))
    paths = PathGraph(rows, tuple(condenser.weight), tuple(condenser.sources), tuple(sinks))
    return BlockGraph(paths, condenser.joins, condenser.shortcuts)


class _Condenser:
    """Grows the graph of blocks operation by operation."""

    def __init__(self, graph: ModelGraph, skips: Sequence[Skip]) -> None:
        self.rows: list[Sequence[int]] = []
        self.weight: list[int] = []
        self.sources: list[int] = []
        self.joins: dict[int, int] = {}
        self.shortcuts: dict[int, tuple[int, ...]] = {}
        self.ends = {skip.join: skip for skip in skips}
        self.reach: list[Nodes] = []
        """For each operation the nodes from which it is reached past no other node."""
        self._operations = graph.operations
        self._blocks: dict[tuple[int, int], int] = {}
        self._leads_to: dict[tuple[int, int], int] = {}
        """The join whose block ends in a tensor; the first, should there be several."""
        for skip in skips:
            for operand in _main_operands(skip):
                self._leads_to.setdefault((operand.producer, operand.output), skip.join)

    def add(self, row: Sequence[int], weight: int) -> int:
        self.rows.append(row)
        self.weight.append(weight)
        return len(self.rows) - 1

    def tensor(self, operand: Operand) -> Nodes:
        """The nodes right before ``operand``: where a block ends in it, that block from each start."""
        start = self.reach[operand.producer]
        join = self._leads_to.get((operand.producer, operand.output))
        return start if join is None else frozenset(self._block(join, node) for node in start)

    def together(self, operands: Iterable[Operand]) -> Nodes:
        found: Nodes = frozenset()
        for operand in operands:
            nodes = self.tensor(operand)
            found = nodes if found <= nodes else found | nodes
        return found

    def join(self, skip: Skip, reads: Sequence[Operand]) -> None:
        """Add the node of a join: its block from each start, and its shortcuts."""
        blocks = set(self.together(_main_operands(skip)))
        if len(skip.steps) == 1:  # more factors of a product, such as those of baddbmm and addcmul
            joined = {(each.producer, each.output) for each in skip.operands}
            rest = [each for each in reads if (each.producer, each.output) not in joined]
            starts = self.together(rest)
            blocks.update(self._block(skip.join, node) for node in starts - blocks)
        shortcuts: list[int] = []
        seen = set(blocks)
        for connection in skip.connections:
            for node in sorted(self._carried(skip, connection)):
                # Two features of one earlier block are the same path; two shortcuts from one fork are not.
                if node not in seen or not self.weight[node]:
                    shortcuts.append(node)
                    seen.add(node)
        node = self.add((*sorted(blocks), *shortcuts), 0)
        self.joins[skip.join] = node
        self.shortcuts[skip.join] = tuple(shortcuts)
        self.reach.append(frozenset({node}))

    def _block(self, join: int, start: int) -> int:
        key = join, start
        if key not in self._blocks:
            self._blocks[key] = self.add((start,), 1)
        return self._blocks[key]

    def _carried(self, skip: Skip, connection: Connection) -> Nodes:
        """What comes by a shortcut: the fork, or the last join or block that lies on it.

        It is taken at the fork because what steers a shortcut on its way (a gate, an attention map) is
        no path of its own here.
        """
        for tensor in reversed(self._tensors_on(skip, connection)):
            if tensor.producer in self.joins or (tensor.producer, tensor.output) in self._leads_to:
                return self.tensor(tensor)
        return self.tensor(connection.fork)

    def _tensors_on(self, skip: Skip, connection: Connection) -> list[Operand]:
        """The tensors on a shortcut from its fork, itself not included, to the join."""
        path = connection.path
        found = [
            operand
            for index, reader in pairwise(path)
            for operand in self._operations[reader].operands
            if operand.producer == index
        ]
        last = skip.operands[connection.operand]
        return [*found, last] if path and path[-1] == last.producer else found


def _main_operands(skip: Skip) -> list[Operand]:
    """What the shortcuts of a join bypass."""
    shortcuts = {connection.operand for connection in skip.connections}
    return [operand for place, operand in enumerate(skip.operands) if place not in shortcuts]
