"""The modules of a model with their layers and skips, in terms that can be compared between modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from skiplint.analysis.flow import Flow, past_views
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips import Connection, Skip, Skips
from skiplint.analysis.structure.owners import common_owner, inside, parent
from skiplint.graph import ModelGraph, Operand, Operation, TensorId
from skiplint.operators import Family

Reads = frozenset[tuple[int, TensorId]]
"""Operations, each with a tensor that it reads."""
_MOST_READERS = 64

Layer = tuple[str, tuple[tuple[int, ...], ...], tuple[int, ...], str]
"""Name, shapes of the weights, shape of the result and settings of one weighted layer."""


class Wiring(NamedTuple):
    """One skip of a block, in terms that do not depend on which block it is."""

    kind: str
    join: str
    operands: int
    tap: int
    """Weighted layers of the block that ran before the tensor that is tapped; -1 for an outer tensor."""
    span: int
    """Weighted layers that are skipped; 0 for a long skip, which goes around as many as it may."""
    end: int
    """Weighted layers of the block that ran before the join."""
    long: bool
    """From an encoder to a decoder: not from the input that the layers of the block read."""

    def around(self, layers: int) -> bool:
        """Whether this is a residual skip around all of the block, which has ``layers`` weighted layers."""
        return self.kind == "additive" and self.tap < 0 and self.span == self.end == layers

    def source(self, whose: str) -> str:
        """Where the shortcut starts, such as "its input"; ``whose`` is "its" or "their"."""
        return f"{whose} input" if self.tap < 0 else f"what follows {whose} layer {self.tap}"

    def __str__(self) -> str:
        joined = f"{self.kind} skip ({self.join} of {self.operands})"
        if self.long:
            return f"long {joined}"
        return f"{joined} from {self.source('its')} around {self.span} layers"


@dataclass
class Block:
    """One module that ran once, with its layers and skips."""

    path: str
    kind: str
    layers: list[Layer] = field(default_factory=list)
    first: int = 0
    last: Operation | None = None
    join: Operation | None = None
    ran: list[int] = field(default_factory=list)
    wiring: list[Wiring] = field(default_factory=list)
    inputs: set[TensorId] = field(default_factory=set)
    """Feature tensors that come from outside."""
    masked: bool = False
    """Some of its weights are multiplied by a buffer, as in autoregressive convolutions."""


class Blocks:
    """Modules with two or more weighted layers that ran once, with their skips, outer before inner."""

    @staticmethod
    def compute(analysis: TracedModel) -> tuple[Block, ...]:
        """Collect the modules of a traced model and hand each skip to those that it belongs to."""
        flow = analysis.of(Flow)
        found = _modules(flow)
        skips = analysis.of(Skips)
        shortcuts = _shortcuts(skips)
        for skip in skips:
            for block, wiring in _wirings(flow, skip, found, shortcuts):
                block.wiring.append(wiring)
                block.join = analysis.graph.operations[skip.join]
        blocks = [block for block in found.values() if len(block.layers) >= 2]
        masks = {each.module for each in analysis.graph if _masks_weights(analysis.graph, each)}
        for block in blocks:
            block.wiring.sort()
            block.masked = any(inside(module, block.path) for module in masks)
        return tuple(sorted(blocks, key=lambda block: (block.first, len(block.path))))


def _modules(flow: Flow) -> dict[str, Block]:
    graph = flow.graph
    found: dict[str, Block] = {}
    repeated: set[str] = set()
    for operation in graph:
        if operation.kind != "call" or not operation.data:
            continue
        path = operation.module
        if operation.call:
            repeated.add(path)
        while path:
            block = found.get(path)
            if block is None:
                info = graph.modules.get(path)
                block = found[path] = Block(path, info.class_name if info else "", first=operation.index)
            block.last = operation
            block.inputs.update(
                operand.tensor for operand in flow.reads[operation.index] if operand.producer < block.first
            )
            if operation.weighted:
                block.layers.append(_layer(graph, operation))
                block.ran.append(operation.index)
            path = parent(path)
    return {path: block for path, block in found.items() if path not in repeated}


def _masks_weights(graph: ModelGraph, operation: Operation) -> bool:
    if operation.data or not operation.op.is_a(Family.PRODUCT):
        return False
    read = [graph.operations[operand.producer] for operand in operation.operands]
    return any(each.kind == "buffer" for each in read) and any(each.learned for each in read)


def _layer(graph: ModelGraph, operation: Operation) -> Layer:
    weights = tuple(
        graph.spec(operand).shape
        for operand in operation.operands
        if graph.operations[operand.producer].kind == "parameter"
    )
    settings = [(key, value) for key, value in operation.kwargs.items() if _is_setting(value)]
    positional = [value for value in operation.args if _is_setting(value)]
    return operation.base_name, weights, operation.outputs[0].shape, f"{positional} {sorted(settings)}"


def _is_setting(value: object) -> bool:
    """A number or a few of them; whatever else a call is given may differ from call to call."""
    items = value if isinstance(value, (tuple, list)) else (value,)
    return all(isinstance(item, (int, str)) for item in items)


def _shortcuts(skips: Iterable[Skip]) -> Reads:
    """The reads by which shortcuts come to their joins."""
    return frozenset(
        (step, skip.operands[connection.operand].tensor)
        for skip in skips
        for connection in skip.connections
        for step in skip.steps
    )


def _wirings(
    flow: Flow, skip: Skip, blocks: dict[str, Block], shortcuts: Reads
) -> Iterator[tuple[Block, Wiring]]:
    """The blocks that ``skip`` belongs to: those around its join, and one whose result it joins.

    A shortcut that is computed before the block depends on what is there: it is no part of the block.
    """
    join = flow.graph.operations[skip.join]
    yield from _around(flow, skip, skip.connections[0], skip.steps, skip.operands, blocks, "", shortcuts)
    seen = {join.module}
    for step in skip.steps[:-1]:
        # Further on more is added to the sum, by another module: what is joined in this one counts here.
        module = flow.graph.operations[step].module
        if module not in seen and not inside(join.module, module):
            seen.add(module)
            yield from _inner(flow, skip, module, blocks, shortcuts)
    if skip.kind == "additive":
        yield from _before_join(flow, skip, blocks, shortcuts)


def _inner(
    flow: Flow, skip: Skip, module: str, blocks: dict[str, Block], shortcuts: Reads
) -> Iterator[tuple[Block, Wiring]]:
    """The part of a logical join that ``module`` makes, for the blocks that do not hold all of it."""
    graph = flow.graph
    steps = tuple(step for step in skip.steps if inside(graph.operations[step].module, module))
    read = {operand.tensor for step in steps for operand in flow.reads[step]}
    joined = [place for place, operand in enumerate(skip.operands) if operand.tensor in read]
    nearest = next((each for each in skip.connections if each.operand in joined), None)
    if nearest is not None and len(joined) > 1:
        outer = common_owner(module, graph.operations[skip.join].module)
        operands = [skip.operands[place] for place in joined]
        yield from _around(flow, skip, nearest, steps, operands, blocks, outer, shortcuts)


def _around(
    flow: Flow,
    skip: Skip,
    nearest: Connection,
    steps: tuple[int, ...],
    operands: Sequence[Operand],
    blocks: dict[str, Block],
    outer: str,
    shortcuts: Reads,
) -> Iterator[tuple[Block, Wiring]]:
    """The blocks around a join, up to the module ``outer``."""
    join = flow.graph.operations[steps[-1]]
    path = join.module
    while path and path != outer:
        block = blocks.get(path)
        if (
            block is not None
            and _enters(flow, nearest, block)
            and _is_own(flow, skip, nearest, block, blocks)
        ):
            yield block, _wiring(flow, skip, nearest, operands, join, block, shortcuts)
        path = parent(path)


def _before_join(
    flow: Flow, skip: Skip, blocks: dict[str, Block], shortcuts: Reads
) -> Iterator[tuple[Block, Wiring]]:
    """The blocks that end just before a join that is not a part of them."""
    join = flow.graph.operations[skip.join]
    nearest = skip.connections[0]
    main = [operand for place, operand in enumerate(skip.operands) if place != nearest.operand]
    path = flow.graph.operations[past_views(flow, main[-1]).producer].module
    while path and not inside(join.module, path):
        if path in blocks and _joins_its_input(flow, skip, blocks[path]):
            wiring = _wiring(flow, skip, nearest, skip.operands, join, blocks[path], shortcuts)
            if wiring.around(len(blocks[path].layers)):
                yield blocks[path], wiring
        path = parent(path)


def _joins_its_input(flow: Flow, skip: Skip, block: Block) -> bool:
    """Whether what is joined with the result of ``block`` is not another part than the one it reads."""
    nearest = skip.connections[0]
    operand = past_views(flow, skip.operands[nearest.operand])
    selects = any(flow.graph.operations[index].op.is_a(Family.SELECTION) for index in nearest.path)
    return not selects or bool({operand.tensor, skip.operands[nearest.operand].tensor} & block.inputs)


def _enters(flow: Flow, connection: Connection, block: Block) -> bool:
    """Whether the shortcut is at most selected or viewed before it comes to the block."""
    before = [flow.graph.operations[index] for index in connection.path if index < block.first]
    return all(operation.op.is_unchanged or operation.op.is_a(Family.SELECTION) for operation in before)


def _is_own(flow: Flow, skip: Skip, connection: Connection, block: Block, blocks: dict[str, Block]) -> bool:
    """Whether the main path, too, comes from the fork into the block, at most normalised on the way.

    What is handed on beside the features (attention scores, values, the other half of a reversible network)
    comes from a block before, and the first block cannot have it.
    """
    fork = connection.fork.producer
    if fork >= block.first:
        return True
    if _is_read(flow, skip, connection, block):
        return not _goes_round(flow, skip, connection, block)
    if skip.long:
        sibling = blocks.get(_item_around(flow.graph.operations[fork].module, parent(block.path)))
        return sibling is None or sibling.kind != block.kind
    return False


def _goes_round(flow: Flow, skip: Skip, connection: Connection, block: Block) -> bool:
    """Whether something that is joined comes from the fork by another input of ``block`` alone."""
    tree, fork = flow.tree, connection.fork.producer
    grown = {
        made
        for made, _ in block.inputs
        if tree.dominates(fork, made) and tree.longest[made] > tree.longest[fork]
    }
    main = [operand.producer for place, operand in enumerate(skip.operands) if place != connection.operand]
    sources = [_sources(flow, made, {fork, *grown}) for made in main] if grown else []
    return any(found & grown and fork not in found for found in sources)


def _sources(flow: Flow, made: int, ends: set[int]) -> set[int]:
    """Those of ``ends`` from which a path leads to ``made`` without passing another of them."""
    pending, seen = [made], {made}
    while pending:
        index = pending.pop()
        if index in ends or index < min(ends):
            continue
        new = {operand.producer for operand in flow.reads[index]} - seen
        seen |= new
        pending += new
    return seen & ends


def _is_read(flow: Flow, skip: Skip, connection: Connection, block: Block) -> bool:
    """Whether layers of ``block`` read what the shortcut brings, at most normalised on the way."""
    entry = _entry(flow, skip, connection, block)
    shortcut = {*skip.steps, *connection.path}
    pending, seen = [entry[0]], {entry[0]}
    while pending and len(seen) < _MOST_READERS:
        made = pending.pop()
        for reader in flow.readers[made]:
            if made == entry[0] and entry not in (each.tensor for each in flow.reads[reader]):
                continue  # another part of what was split
            operation = flow.graph.operations[reader]
            if reader not in shortcut and inside(operation.module, block.path) and reader >= block.first:
                return True
            unlearned = flow.tree.longest[reader] == flow.tree.longest[entry[0]]
            if reader not in seen and unlearned and reader < block.first:
                seen.add(reader)
                pending.append(reader)
    return False


def _entry(flow: Flow, skip: Skip, connection: Connection, block: Block) -> TensorId:
    """The tensor by which the shortcut enters the block: the fork, or the part of it that is selected."""
    entry = connection.fork.tensor
    reads = [flow.reads[index] for index in connection.path[1:]]
    for index, readers in zip(connection.path, [*reads, (skip.operands[connection.operand],)], strict=False):
        if index < block.first and flow.graph.operations[index].op.is_a(Family.SELECTION):
            entry = next((operand.tensor for operand in readers if operand.producer == index), entry)
    return entry


def _item_around(module: str, stage: str) -> str:
    """The direct child of ``stage`` that holds ``module``, "" if none does."""
    if not inside(module, stage) or module == stage:
        return ""
    item = module.removeprefix(f"{stage}.").partition(".")[0]
    return f"{stage}.{item}" if stage else item


def _wiring(
    flow: Flow,
    skip: Skip,
    nearest: Connection,
    operands: Sequence[Operand],
    join: Operation,
    block: Block,
    shortcuts: Reads,
) -> Wiring:
    fork = nearest.fork.producer
    tap = -1 if fork < block.first else sum(index <= fork for index in block.ran)
    end = sum(index < join.index for index in block.ran)
    long = skip.long and tap < 0 and not _is_read(flow, skip, nearest, block)
    span = 0 if long else nearest.span
    if len(operands) < len(skip.operands):
        # What the rest of a longer sum goes around says nothing of this part of it.
        span = max(
            (_layers_between(flow, fork, operand.producer, shortcuts) for operand in operands), default=span
        )
    return Wiring(skip.kind, join.base_name, len(operands), tap, span, end, long)


def _layers_between(flow: Flow, start: int, end: int, shortcuts: Reads) -> int:
    """Weighted layers on the shortest way from one operation to another, 0 if there is none.

    As for the span of a skip, a way by another shortcut counts only where there is no other.
    """
    layers = {start: 0}
    for index in range(start + 1, end + 1):
        reached = [read for read in flow.reads[index] if read.producer in layers]
        main = [read for read in reached if (index, read.tensor) not in shortcuts] or reached
        if main:
            layers[index] = (
                min(layers[read.producer] for read in main) + flow.graph.operations[index].weighted
            )
    return layers.get(end, 0)
