"""A small graph of a model: one node for each module down to a chosen depth, with joins and skips shown.

Operations are put together only if they follow each other in execution order, so the small graph has no
cycles either. A join is always a node of its own, a shortcut's operations are never put together with the
main path, and a node ends at a fork: whatever the depth, a skip is seen to pass by what it skips.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from skiplint.analysis.skips import ShortcutKind, Skip, SkipKind
from skiplint.graph import ModelGraph, Operand, Operation

DEFAULT_DEPTH = 2
NodeKind = Literal["input", "output", "module", "operation", "join"]
_ENDS: dict[str, NodeKind] = {"input": "input", "output": "output"}


@dataclass(frozen=True, slots=True)
class OutlineNode:
    """One or more consecutive operations, drawn as one node."""

    id: str
    """Unique: the module or the operation, with a number after ``#`` from its second node on."""
    kind: NodeKind
    module: str
    """The module that all of the operations are in, "" for the model itself."""
    operations: tuple[int, ...]
    """Their indices, in execution order."""
    names: tuple[str, ...]
    """Names of the torch functions that they call, each once, in the order of their first call."""
    shape: tuple[int, ...] | None
    """Shape of what the last of them makes."""
    join: SkipKind | None = None
    """The kind of the skip that ends here."""


@dataclass(frozen=True, slots=True)
class OutlineEdge:
    """All reads of one node from another; those by a shortcut are an edge of their own."""

    source: str
    target: str
    shape: tuple[int, ...]
    """Shape of the first tensor that is read."""
    reads: int
    """How many reads of the graph it stands for."""
    skip: SkipKind | None = None
    """The kind of the skip that this is the shortcut of; None on the main path."""
    shortcut: ShortcutKind | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The small graph. Nodes are in execution order and every edge goes forward, so there are no cycles."""

    name: str
    nodes: tuple[OutlineNode, ...]
    edges: tuple[OutlineEdge, ...]


def outline(graph: ModelGraph, skips: Sequence[Skip], depth: int = DEFAULT_DEPTH) -> Outline:
    """The small graph of ``graph``: operations merged by the first ``depth`` parts of their module's path.

    Operations of a module that is less deep stay single. Depth 0 leaves what is between forks and joins;
    a large one, every operation. Parameters, and what is computed from nothing else, are left out.
    """
    nodes = _nodes(graph, skips, depth)
    home = {index: node.id for node in nodes for index in node.operations}
    return Outline(graph.name, tuple(nodes), tuple(_edges(graph, home, _shortcut_reads(skips))))


def _nodes(graph: ModelGraph, skips: Sequence[Skip], depth: int) -> list[OutlineNode]:
    joins = {step: skip for skip in skips for step in skip.steps}
    carried = {index: skip.join for skip in skips for link in skip.connections for index in link.path}
    forks = {link.fork.producer for skip in skips for link in skip.connections}
    runs: list[tuple[object, list[Operation]]] = []
    for operation in graph:
        if not operation.data:
            continue
        if operation.index in joins:
            key: object = ("join", joins[operation.index].join)
        else:
            key = (_group(operation, depth), carried.get(operation.index))
        ended = runs and runs[-1][1][-1].index in forks
        if not runs or runs[-1][0] != key or ended:
            runs.append((key, []))
        runs[-1][1].append(operation)
    used: Counter[str] = Counter()
    return [_node(graph, run, joins, used) for _, run in runs]


def _group(operation: Operation, depth: int) -> object:
    """What operations that may be put together have in common."""
    if operation.kind != "call":
        return operation.index
    parts = operation.module.split(".") if operation.module else []
    return tuple(parts[:depth]) if len(parts) >= depth else operation.index


def _node(
    graph: ModelGraph, run: Sequence[Operation], joins: dict[int, Skip], used: Counter[str]
) -> OutlineNode:
    last = run[-1]
    module = os.path.commonpath(["/" + each.module.replace(".", "/") for each in run])
    module = module.strip("/").replace("/", ".")
    skip = joins.get(last.index)
    kind: NodeKind = "operation" if len(run) == 1 else "module"
    if last.kind in _ENDS:
        kind = _ENDS[last.kind]
    elif skip is not None:
        kind = "join"
    name = last.id if kind != "module" else module or graph.name
    number = used[name]
    used[name] += 1
    return OutlineNode(
        id=f"{name}#{number}" if number else name,
        kind=kind,
        module=module,
        operations=tuple(each.index for each in run),
        names=tuple(dict.fromkeys(each.name for each in run)),
        shape=last.outputs[0].shape if last.outputs else None,
        join=skip.kind if skip is not None else None,
    )


@dataclass(frozen=True, slots=True)
class _Role:
    skip: SkipKind
    shortcut: ShortcutKind


def _shortcut_reads(skips: Sequence[Skip]) -> dict[tuple[int, int, int], _Role]:
    """Reads, as (producer, output, reader), by which shortcuts go."""
    reads: dict[tuple[int, int, int], _Role] = {}
    for skip in skips:
        for link in skip.connections:
            role = _Role(skip.kind, link.shortcut)
            end = skip.operands[link.operand]
            for step in skip.steps:
                reads[end.producer, end.output, step] = role
            for index in link.path:
                reads[link.fork.producer, link.fork.output, index] = role
            for index, following in zip(link.path, link.path[1:], strict=False):
                # Whatever output the next one reads: an operation on a shortcut hands on one tensor.
                reads[index, -1, following] = role
    return reads


def _edges(
    graph: ModelGraph, home: dict[int, str], shortcuts: dict[tuple[int, int, int], _Role]
) -> Iterator[OutlineEdge]:
    reads: dict[tuple[str, str, _Role | None], list[Operand]] = {}
    for operation in graph:
        for operand in operation.operands:
            source, target = home.get(operand.producer), home.get(operation.index)
            if source is None or target is None or source == target:
                continue
            role = shortcuts.get((operand.producer, operand.output, operation.index))
            role = role or shortcuts.get((operand.producer, -1, operation.index))
            reads.setdefault((source, target, role), []).append(operand)
    for (source, target, role), operands in reads.items():
        yield OutlineEdge(
            source=source,
            target=target,
            shape=graph.spec(operands[0]).shape,
            reads=len(operands),
            skip=role.skip if role else None,
            shortcut=role.shortcut if role else None,
        )
