"""SKL204 skip-after-norm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Family,
    Finding,
    Flow,
    Norms,
    Operand,
    Owners,
    Rule,
    Severity,
    Skip,
    inside,
    past_views,
    tensor_name,
)


class SkipAfterNorm(Rule):
    """The shortcut carries what a norm made for the branch, not the block's input.

    ## What it does
    Reports a residual addition whose shortcut starts from the output of a norm that also feeds the branch,
    in one of two cases: the norm is inside the block and normalises what comes in from outside, or the
    block's other addition is pre-norm, so that its shortcut carries the stream as it is. A norm that
    follows an addition in a block of the post-norm kind is right and not reported, neither is a norm in
    the stem.

    ## Why it is bad
    Pre-norm blocks train without warm-up because the residual stream runs through the model untouched
    (Xiong et al. 2020). With `x = norm(x); x = x + attention(x)` every block normalises the stream itself,
    as post-norm does, while the learning rate, the warm-up and the final norm are those of a pre-norm
    model. The fault costs accuracy, not correctness, and mending it later breaks trained weights: find it
    before training.

    ## When it is wrong
    Where every block is to normalise the stream and the norm was put first on purpose. Write it after the
    addition, as post-norm models do.

    ## References
    - Howuhh/faster-trajectory-transformer issue 3, SHI-Labs/Compact-Transformers issue 25,
      lbcb-sci/RiNALMo issue 9: `norm(x) + f(norm(x))` in a pre-norm block.
    - LiyuanLucasLiu/Transformer-Clinic issue 27: the same line in a post-norm block, where it is right.
    - Xiong et al. 2020, On Layer Normalization in the Transformer Architecture (arXiv 2002.04745).
    """

    code = "SKL204"
    name = "skip-after-norm"
    severity = Severity.WARNING

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Sort the additive skips of each block by where they start, and judge those after a norm."""
        flow = analysis.of(Flow)
        norms = analysis.of(Norms)
        owners = analysis.of(Owners)
        by_block: defaultdict[str, list[Skip]] = defaultdict(list)
        for skip in analysis.skips:
            if skip.kind == "additive" and skip.shortcut == "identity" and not skip.long:
                by_block[owners.of(analysis.graph.operations[skip.join])].append(skip)
        for block, skips in by_block.items():
            joins = frozenset(skip.join for skip in skips)
            mixed = joins if any(_is_pre_norm(flow, norms, skip) for skip in skips) else frozenset()
            for skip in skips:
                tapped = _tapped_norm(flow, norms, skip)
                if tapped is not None and _is_misplaced(flow, block, mixed, *tapped):
                    yield self._finding(flow, skip, *tapped)

    def _finding(self, flow: Flow, skip: Skip, norm: Operand, source: Operand) -> Finding:
        graph = flow.graph
        before = tensor_name(graph, source)
        made = graph.operations[norm.producer]
        return self.finding(
            f"the shortcut joined here is the output of the norm {made.module or made.id}, which also "
            f"feeds the branch; {before}, which came into the block, is joined nowhere",
            node=graph.operations[skip.join],
            expected=f"a shortcut from {before}",
            actual=f"a shortcut from {tensor_name(graph, norm)}",
            shapes=graph.shapes(skip.operands),
            suggestion=f"join {before} here and give the norm's output to the branch alone: "
            "x = x + branch(norm(x))",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
                self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
                self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

            def forward(self, x):
                x = self.norm1(x)
                x = x + self.attention(x, x, x)[0]  # SKL204
                return x + self.mlp(self.norm2(x))


        model = nn.Sequential(nn.Linear(4, 8), Block(8), Block(8), nn.LayerNorm(8))
        inputs = (torch.randn(1, 5, 4),)
        """,
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
                self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
                self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

            def forward(self, x):
                y = self.norm1(x)
                x = x + self.attention(y, y, y)[0]
                x = self.norm2(x)
                return x + self.mlp(x)  # SKL204


        model = nn.Sequential(nn.Linear(4, 8), Block(8), Block(8), nn.LayerNorm(8))
        inputs = (torch.randn(1, 5, 4),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
                self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
                self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

            def forward(self, x):
                y = self.norm1(x)
                x = x + self.attention(y, y, y)[0]
                return x + self.mlp(self.norm2(x))


        model = nn.Sequential(nn.Linear(4, 8), Block(8), Block(8), nn.LayerNorm(8))
        inputs = (torch.randn(1, 5, 4),)
        """,
        '''
        import torch
        from torch import nn


        class Block(nn.Module):
            """Post-norm: every norm follows an addition and is the block's output."""

            def __init__(self, width):
                super().__init__()
                self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
                self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
                self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

            def forward(self, x):
                x = self.norm1(x + self.attention(x, x, x)[0])
                return self.norm2(x + self.mlp(x))


        model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), Block(8), Block(8))
        inputs = (torch.randn(1, 5, 4),)
        ''',
    )


def _tapped_norm(flow: Flow, norms: Norms, skip: Skip) -> tuple[Operand, Operand] | None:
    """The norm's output that shortcut and branch start from, and what was normalised."""
    connection = skip.connections[0]
    fork = past_views(flow, connection.fork)
    source = norms.source(fork)
    if source is None or any(
        flow.graph.operations[index].op.is_a(Family.PRODUCT) for index in connection.path
    ):
        return None  # a scaled shortcut is DeepNorm's, which is post-norm wherever the norm is written
    if _branch_starts_with_norm(flow, norms, skip, connection.fork):
        return None  # the norm of a stem, with a pre-norm block after it
    return fork, past_views(flow, source)


def _is_pre_norm(flow: Flow, norms: Norms, skip: Skip) -> bool:
    """Whether the shortcut carries a stream as it is and a norm leads into the branch."""
    return _branch_starts_with_norm(flow, norms, skip, skip.connections[0].fork)


def _branch_starts_with_norm(flow: Flow, norms: Norms, skip: Skip, fork: Operand) -> bool:
    readers = {*flow.readers[fork.producer]} - {*skip.steps, *skip.connections[0].path}
    return bool(readers) and readers <= set(norms.readers(fork))


def _is_misplaced(flow: Flow, block: str, mixed: frozenset[int], norm: Operand, source: Operand) -> bool:
    """Whether the norm is the block's own and normalises its input, or a pre-norm block's inner stream.

    ``mixed`` are the joins of the block if one of its skips is pre-norm.
    """
    operations = flow.graph.operations
    maker = operations[source.producer]
    if not inside(operations[norm.producer].module, block) or not maker.learned:
        return False  # a norm before the block, or one of raw data
    from_outside = bool(block) and not inside(maker.module, block)
    return from_outside or source.producer in mixed
