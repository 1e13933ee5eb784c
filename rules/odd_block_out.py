"""SKL203 odd-block-out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from skiplint.rules_api import (
    Analysis,
    Block,
    Blocks,
    Difference,
    Finding,
    Layer,
    Rule,
    RuleOptions,
    Severity,
    Wiring,
    inside,
    parent,
)

_ITEM = re.compile(r"\d$")
"""The path of an item of a stage: ``blocks.3``, ``layer3``."""
_MAX_INPUTS = 2
"""Blocks that take more features, side by side, may well take them from different kinds of places."""


class OddBlockOut(Rule):
    """One of several equal blocks lacks the skip of its siblings, or is wired in another way.

    ## What it does
    Compares modules of one class that stand side by side (the items of a stage) and have the same layers
    with the same shapes and settings. Where all of `siblings` or more agree on their skips and a single one
    does not, that one is reported: it has no skip, has one twice, joins by another operation, or taps another
    point. One block with a skip among plain ones is left alone, and so are skips that go around several
    blocks, a first block that is given less than the others (nothing was made before it that could be handed
    on), the first of an autoregressive model whose mask is another, and a block that has several other skips
    in place of its siblings': it is another design. Of a block in a block only the inner one is reported.
    Blocks of two classes with equal layers are compared too, where they follow one another: one class
    with a skip in every block, the other in none. So are the levels of a decoder, of whatever width: one that
    adds the encoder's features where all others concatenate them, or the other way round.

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
        blocks = analysis.of(Blocks)
        siblings: defaultdict[tuple[str, str, tuple[Layer, ...]], list[Block]] = defaultdict(list)
        alike: defaultdict[tuple[Layer, ...], list[Block]] = defaultdict(list)
        levels: defaultdict[tuple[str, str], list[Block]] = defaultdict(list)
        for block in blocks:
            layers = tuple(block.layers)
            if _ITEM.search(block.path) and [wiring.long for wiring in block.wiring] == [True]:
                levels[parent(block.path), block.kind].append(block)
            if _ITEM.search(block.path) and len(block.inputs) <= _MAX_INPUTS:
                siblings[parent(block.path), block.kind, layers].append(block)
            if layers not in alike or not inside(block.path, alike[layers][-1].path):
                alike[layers].append(block)  # not the inner module that holds all layers of a block
        odd = [each for group in siblings.values() for each in self._among_siblings(group)]
        for block, finding in odd:
            if not any(inner is not block and inside(inner.path, block.path) for inner, _ in odd):
                yield finding  # else the inner block is what makes this one odd
        for group in levels.values():
            yield from self._among_levels(group)
        for group in alike.values():
            yield from self._among_classes(group)

    def _among_siblings(self, group: Sequence[Block]) -> Iterator[tuple[Block, Finding]]:
        votes = Counter(tuple(block.wiring) for block in group)
        usual, agreeing = votes.most_common(1)[0]
        if not usual or agreeing != len(group) - 1 or agreeing < max(2, self.options.siblings):
            return
        odd = next(block for block in group if tuple(block.wiring) != usual)
        others = [block for block in group if block is not odd]
        if not _is_meant(odd, others, Difference.between(odd.wiring, usual)):
            yield odd, self._finding(odd, usual, f"its {agreeing} siblings", others[0])

    def _among_levels(self, group: Sequence[Block]) -> Iterator[Finding]:
        """Levels of a decoder differ in their widths, but not in how they take in the encoder's features."""
        votes = Counter(block.wiring[0].kind for block in group)
        usual, agreeing = votes.most_common(1)[0]
        if agreeing != len(group) - 1 or agreeing < max(2, self.options.siblings):
            return
        odd = next(block for block in group if block.wiring[0].kind != usual)
        example = next(block for block in group if block is not odd)
        if odd.layers != example.layers:  # else it is among siblings already
            # Their widths, and so where they join, say nothing: how they join is the difference.
            meant = odd.wiring[0]._replace(kind=usual, join=example.wiring[0].join)
            yield self._finding(odd, [meant], f"the other {agreeing} levels", example)

    def _among_classes(self, group: Sequence[Block]) -> Iterator[Finding]:
        kinds: defaultdict[str, list[Block]] = defaultdict(list)
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
        if not all(_follows(after, before) for before, after in pairwise(without)):
            return  # heads side by side, or single blocks here and there
        for odd in without:
            yield self._finding(
                odd,
                usual,
                f"the {len(having)} blocks of class {_short(having[0])} with equal layers",
                having[0],
            )

    def _finding(self, odd: Block, usual: Sequence[Wiring], others: str, example: Block) -> Finding:
        difference = Difference.between(odd.wiring, usual)
        same = odd.layers == example.layers
        return self.finding(
            f"{odd.path} ({_short(odd)}) {difference.sentence(others)}",
            node=odd.join or odd.last,
            expected=difference.expected,
            actual=difference.actual,
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


def _short(block: Block) -> str:
    return block.kind.rpartition(".")[2]


def _is_meant(odd: Block, others: Sequence[Block], difference: Difference) -> bool:
    """Whether the odd block is given other things than its siblings, or is another design altogether."""
    given = {len(block.inputs) for block in others}
    if len(odd.inputs) < min(given) or (difference.extra and len(odd.inputs) > max(given)):
        return True  # what is handed on from block to block, which the first cannot have
    if odd.masked and odd.first < others[0].first:
        return True  # what an autoregressive model predicts must not pass its first layer
    return difference.is_another_design


def _follows(after: Block, before: Block) -> bool:
    """Whether ``after`` takes in what ``before`` makes."""
    return before.last is not None and any(made == before.last.index for made, _ in after.inputs)


def _nested(inner: Sequence[Block], outer: Sequence[Block]) -> bool:
    """Whether some of ``inner`` are parts of some of ``outer``."""
    return any(inside(block.path, around.path) for block in inner for around in outer)
