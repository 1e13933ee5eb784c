"""SKL403 concat-then-pointwise."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Branch,
    Branches,
    Concatenation,
    Family,
    Finding,
    Join,
    ModelGraph,
    Rule,
    Severity,
    byte_size,
)


class ConcatThenPointwise(Rule):
    """A concatenation that only convolutions with kernel 1 or linear maps read, so that none is needed.

    ## What it does
    Reports a concatenation of channels whose every reader is a convolution with kernel 1 and one group, or a
    linear map: `conv(cat(a, b))` is `conv_a(a) + conv_b(b)`, each with its share of the weights. The saving
    that the finding names is measured: the model is rewritten so and run again on the meta device. Runs only
    when selected.

    ## Why it is bad
    The concatenation copies its parts, and autograd keeps the copy for the backward pass even where the parts
    are kept anyway. The sum needs no copy; the parameters and the result are the same.

    ## When it is wrong
    Where speed matters more than memory: one large matrix product is faster than several small ones with an
    addition. Weights that were saved have to be split.
    """

    code = "SKL403"
    name = "concat-then-pointwise"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look at the readers of every concatenation."""
        graph, memory = analysis.graph, analysis.memory
        branches = Branches(graph, memory.concatenations)
        for concatenation in memory.concatenations:
            join = branches.joins.get(concatenation.operation)
            uses = branches.of(join) if join is not None else ()
            readers = set(graph.consumers[concatenation.operation])
            if join is not None and _is_needless(uses, readers):
                yield self._finding(analysis, concatenation, join, uses)

    def _finding(
        self, analysis: Analysis, concatenation: Concatenation, join: Join, uses: tuple[Branch, ...]
    ) -> Finding:
        graph = analysis.graph
        operation = graph.operations[join.operation]
        layers = " and ".join(graph.operations[use.operations[0]].id for use in uses)
        return self.finding(
            f"{operation.id} joins {len(join.parts)} tensors into {byte_size(concatenation.allocated)} that "
            f"only {layers} reads: without it that is a sum of {_kinds(graph, uses)} of the parts",
            node=operation,
            shapes=tuple(graph.spec(part.operand).shape for part in join.parts),
            suggestion=_advice(analysis, concatenation),
        )

    bad = (
        """
        import torch
        from torch import nn


        class Fusion(nn.Module):
            def __init__(self):
                super().__init__()
                self.left, self.right = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 5, padding=2)
                self.fuse = nn.Conv2d(16, 8, 1)

            def forward(self, x):
                return self.fuse(torch.cat([self.left(x), self.right(x)], 1))  # SKL403


        model = Fusion()
        inputs = (torch.randn(1, 3, 32, 32),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Fusion(nn.Module):
            def __init__(self):
                super().__init__()
                self.left, self.right = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 5, padding=2)
                self.fuse_left, self.fuse_right = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1, bias=False)

            def forward(self, x):
                return self.fuse_left(self.left(x)) + self.fuse_right(self.right(x))


        model = Fusion()
        inputs = (torch.randn(1, 3, 32, 32),)
        """,
        '''
        import torch
        from torch import nn


        class Spatial(nn.Module):
            """The norm between reads the concatenation too, and the convolution has a kernel of 3."""

            def __init__(self):
                super().__init__()
                self.left, self.right = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 5, padding=2)
                self.norm, self.fuse = nn.GroupNorm(2, 16), nn.Conv2d(16, 8, 1)
                self.mix = nn.Conv2d(16, 8, 3, padding=1)

            def forward(self, x):
                both = torch.cat([self.left(x), self.right(x)], 1)
                return self.fuse(self.norm(both)) + self.mix(both)


        model = Spatial()
        inputs = (torch.randn(1, 3, 32, 32),)
        ''',
    )


def _is_needless(uses: tuple[Branch, ...], readers: set[int]) -> bool:
    """Whether every reader is a pointwise layer, right after the concatenation."""
    direct = {use.operations[0] for use in uses if use.pointwise and len(use.operations) == 1}
    return bool(direct) and direct == readers


def _kinds(graph: ModelGraph, uses: tuple[Branch, ...]) -> str:
    linear = all(graph.operations[use.operations[0]].op.is_a(Family.LINEAR) for use in uses)
    return "linear maps" if linear else "convolutions"


def _advice(analysis: Analysis, concatenation: Concatenation) -> str:
    advice = "split the layer by its input channels, give one part the bias, and add the results"
    if analysis.graph.fx_builder is None:
        return advice
    savings = analysis.memory.rewriter.savings([concatenation])
    for each in savings:
        if each.remedy == "sum":
            less = {"for backward": each.saved, "at the peak of inference": each.peak}
            said = [f"{byte_size(saved)} less {where}" for where, saved in less.items() if saved > 0]
            return f"{advice}: {', '.join(said)}" if said else advice
    return advice
