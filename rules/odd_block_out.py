"""SKL203 odd-block-out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from skiplint import Finding, Rule, RuleOptions, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.flow import Flow
from skiplint.analysis.skips import Connection, Skip
from skiplint.analysis.skips.roles import is_selection, is_unchanged
from skiplint.graph import ModelGraph, Operation

from ._reading import Tensor, flow_of, inside, parent, past_views, tensor

Layer = tuple[str, tuple[tuple[int, ...], ...], tuple[int, ...]]
"""Name, shapes of the weights and shape of the result of one weighted layer."""

_ITEM = re.compile(r"\d$")
"""The path of an item of a stage: ``blocks.3``, ``layer3``."""
_MAX_INPUTS = 2
"""Blocks that take more features, side by side, may well take them from different kinds of places."""


class Wiring(NamedTuple):
    """One skip of a block, in terms that do not depend on which block it is."""

    kind: str
    join: str
    operands: int
    tap: int
    """Weighted layers of the block that ran before the tensor that is tapped; -1 for an outer tensor."""
    span: int
    end: int
    """Weighted layers of the block that ran before the join."""
    long: bool
    """From an encoder to a decoder."""

    def around(self, layers: int) -> bool:
        """Whether this is a residual skip around all ``layers`` layers of the block."""
        return self.kind == "additive" and self.tap < 0 and self.span == self.end == layers

    def __str__(self) -> str:
        place = "its input" if self.tap < 0 else f"what follows its layer {self.tap}"
        return f"{self.kind} skip ({self.join} of {self.operands}) from {place} around {self.span} layers"


@dataclass
class _Block:
    path: str
    kind: str
    layers: list[Layer] = field(default_factory=list)
    first: int = 0
    last: Operation | None = None
    join: Operation | None = None
    ran: list[int] = field(default_factory=list)
    wiring: list[Wiring] = field(default_factory=list)
    inputs: set[Tensor] = field(default_factory=set)
    """Feature tensors that come from outside."""


class OddBlockOut(Rule):
    """One of several equal blocks lacks the skip of its siblings, or is wired in another way.

    ## What it does
    Compares modules of one class that stand side by side (the items of a stage) and have the same layers
    with the same shapes. Where all of `siblings` or more agree on their skips and a single one does not, that
    one is reported: it has no skip, has one twice, joins by another operation, or taps another point. Blocks
    of two classes with equal layers are compared too: one class with a skip in every block, the other in
    none. So are the levels of a decoder, of whatever width: one that adds the encoder's features where all
    others concatenate them, or the other way round.

    ## Why it is bad
    The shapes allow the skip and the rest of the stage has it, so the difference is hardly meant: a `return
    out` for `return out + x`, an index that is off by one, a flag that was left at its default. The block in
    question trains as a plain one, and all gradient to what lies before it has to pass its layers.

    ## Options
    `siblings`: how many other blocks must agree.

    ## When it is wrong
    Where one block of a stage is different on purpose, such as the last before a head.

    ## References
    - znxlwm/UGATIT-pytorch issues 29 and 32: the decoder's residual blocks return `out` without `x`.
    - tryonlabs/opentryon issue 24: a U-Net adds its encoder's features where it was to concatenate them.
    - katsura-jp/efficientnet-pytorch issue 10: blocks without the skip of the paper.
    - He et al. 2016, Deep Residual Learning for Image Recognition (arXiv 1512.03385).
    """

    code = "SKL203"
    name = "odd-block-out"
    severity = Severity.WARNING

    class Options(RuleOptions, frozen=True):
        """How clear the case has to be."""

        siblings: int = 2

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Describe every block by its layers and its skips and look for those that stand alone."""
        blocks = _blocks(analysis)
        siblings: defaultdict[tuple[str, str, tuple[Layer, ...]], list[_Block]] = defaultdict(list)
        alike: defaultdict[tuple[Layer, ...], list[_Block]] = defaultdict(list)
        levels: defaultdict[tuple[str, str], list[_Block]] = defaultdict(list)
        for block in blocks:
            layers = tuple(block.layers)
            if _ITEM.search(block.path) and [wiring.long for wiring in block.wiring] == [True]:
                levels[parent(block.path), block.kind].append(block)
            if _ITEM.search(block.path) and len(block.inputs) <= _MAX_INPUTS:
                siblings[parent(block.path), block.kind, layers].append(block)
            if layers not in alike or not inside(block.path, alike[layers][-1].path):
                alike[layers].append(block)  # not the inner module that holds all layers of a block
        for group in siblings.values():
            yield from self._among_siblings(group)
        for group in levels.values():
            yield from self._among_levels(group)
        for group in alike.values():
            yield from self._among_classes(group)

    def _among_siblings(self, group: Sequence[_Block]) -> Iterator[Finding]:
        votes = Counter(tuple(block.wiring) for block in group)
        usual, agreeing = votes.most_common(1)[0]
        if agreeing != len(group) - 1 or agreeing < max(2, self.options.siblings):
            return
        odd = next(block for block in group if tuple(block.wiring) != usual)
        example = next(block for block in group if block is not odd)
        yield self._finding(odd, usual, f"its {agreeing} siblings of class {_short(odd)}", example)

    def _among_levels(self, group: Sequence[_Block]) -> Iterator[Finding]:
        """Levels of a decoder differ in their widths, but not in how they take in the encoder's features."""
        votes = Counter(block.wiring[0].kind for block in group)
        usual, agreeing = votes.most_common(1)[0]
        if agreeing != len(group) - 1 or agreeing < max(2, self.options.siblings):
            return
        odd = next(block for block in group if block.wiring[0].kind != usual)
        example = next(block for block in group if block is not odd)
        if odd.layers != example.layers:  # else it is among siblings already
            others = f"the other {agreeing} levels of class {_short(odd)}"
            yield self._finding(odd, example.wiring, others, example)

    def _among_classes(self, group: Sequence[_Block]) -> Iterator[Finding]:
        kinds: defaultdict[str, list[_Block]] = defaultdict(list)
        for block in group:
            kinds[block.kind].append(block)
        if len(kinds) != 2 or min(map(len, kinds.values())) < 2:
            return
        without, having = sorted(kinds.values(), key=lambda blocks: len(blocks[0].wiring))
        usual = tuple(having[0].wiring)
        residual = len(usual) == 1 and usual[0].around(len(group[0].layers))
        if not residual or any(tuple(block.wiring) != usual for block in having):
            return
        if any(block.wiring for block in without) or _nested(without, having) or _nested(having, without):
            return
        for odd in without:
            yield self._finding(
                odd,
                usual,
                f"the {len(having)} blocks of class {_short(having[0])} with equal layers",
                having[0],
            )

    def _finding(self, odd: _Block, usual: Sequence[Wiring], others: str, example: _Block) -> Finding:
        wanted = "; ".join(map(str, usual)) or "no skip"
        got = "; ".join(map(str, odd.wiring)) or "no skip"
        same = odd.layers == example.layers
        return self.finding(
            f"{odd.path} ({_short(odd)}) has {got}, while {others} have {wanted}",
            node=odd.join or odd.last,
            expected=wanted,
            actual=got,
            suggestion=f"join in {odd.path} what {example.path} joins"
            + (": the shapes are the same" if same else ", in the same way"),
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels, residual=True):
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
                self.residual = residual

            def forward(self, x):
                out = self.conv1(x)
                out = self.conv2(torch.relu(out))  # SKL203
                return out + x if self.residual else out


        model = nn.Sequential(Block(8), Block(8), Block(8, residual=False), Block(8))
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, before, after):
                super().__init__()
                self.conv1 = nn.Conv2d(before, after, 3, padding=1)
                self.conv2 = nn.Conv2d(after, after, 3, padding=1)
                self.residual = before == after

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return out + x if self.residual else out


        model = nn.Sequential(Block(3, 8), Block(8, 8), Block(8, 8), Block(8, 16), Block(16, 16))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )


def _short(block: _Block) -> str:
    return block.kind.rpartition(".")[2]


def _nested(inner: Sequence[_Block], outer: Sequence[_Block]) -> bool:
    """Whether some of ``inner`` are parts of some of ``outer``."""
    return any(inside(block.path, around.path) for block in inner for around in outer)


def _blocks(analysis: Analysis) -> list[_Block]:
    """Modules with two or more weighted layers that ran once, with their skips, outer before inner."""
    flow = flow_of(analysis)
    found = _modules(flow)
    for skip in analysis.skips:
        for block, wiring in _wirings(flow, skip, found):
            block.wiring.append(wiring)
            block.join = analysis.graph.operations[skip.join]
    blocks = [block for block in found.values() if len(block.layers) >= 2]
    return sorted(blocks, key=lambda block: (block.first, len(block.path)))


def _modules(flow: Flow) -> dict[str, _Block]:
    graph = flow.graph
    found: dict[str, _Block] = {}
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
                block = found[path] = _Block(path, info.class_name if info else "", first=operation.index)
            block.last = operation
            block.inputs.update(
                tensor(operand) for operand in flow.reads[operation.index] if operand.producer < block.first
            )
            if operation.weighted:
                block.layers.append(_layer(graph, operation))
                block.ran.append(operation.index)
            path = parent(path)
    return {path: block for path, block in found.items() if path not in repeated}


def _layer(graph: ModelGraph, operation: Operation) -> Layer:
    weights = tuple(
        graph.spec(operand).shape
        for operand in operation.operands
        if graph.operations[operand.producer].kind == "parameter"
    )
    return operation.base_name, weights, operation.outputs[0].shape


def _wirings(flow: Flow, skip: Skip, blocks: dict[str, _Block]) -> Iterator[tuple[_Block, Wiring]]:
    """The blocks that ``skip`` belongs to: those around its join, and one whose result it joins.

    A shortcut that is computed before the block depends on what is there: it is no part of the block.
    """
    join = flow.graph.operations[skip.join]
    nearest = skip.connections[0]
    path = join.module
    while path:
        if path in blocks and _enters(flow, nearest, blocks[path]):
            yield blocks[path], _wiring(skip, join, blocks[path])
        path = parent(path)
    if skip.kind != "additive":
        return
    main = [operand for place, operand in enumerate(skip.operands) if place != nearest.operand]
    path = flow.graph.operations[past_views(flow, main[-1]).producer].module
    while path and not inside(join.module, path):
        if path in blocks:
            wiring = _wiring(skip, join, blocks[path])
            if wiring.around(len(blocks[path].layers)):
                yield blocks[path], wiring
        path = parent(path)


def _enters(flow: Flow, connection: Connection, block: _Block) -> bool:
    """Whether the shortcut is at most selected or viewed before it comes to the block."""
    before = [flow.graph.operations[index] for index in connection.path if index < block.first]
    return all(is_unchanged(operation) or is_selection(operation) for operation in before)


def _wiring(skip: Skip, join: Operation, block: _Block) -> Wiring:
    nearest = skip.connections[0]
    fork = nearest.fork.producer
    tap = -1 if fork < block.first else sum(index <= fork for index in block.ran)
    end = sum(index < join.index for index in block.ran)
    return Wiring(skip.kind, join.base_name, len(skip.operands), tap, nearest.span, end, skip.long)
