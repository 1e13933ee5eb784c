"""SKL306 deep-post-norm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skiplint.rules_api import (
    Analysis,
    Finding,
    Flow,
    Norms,
    Operand,
    Operation,
    Rule,
    RuleOptions,
    Severity,
    Skip,
    past_views,
)


class DeepPostNorm(Rule):
    """Many residual additions in a row with a norm right after each, and nothing that makes up for it.

    ## What it does
    Counts the residual additions whose result goes into a norm and nowhere else (post-norm), each of which
    starts from the norm of the one before, and reports the first if `limit` or more are in a row. A
    transformer layer has two, that of a decoder with cross-attention three. Shortcuts with a factor
    above 1 (DeepNorm) or of their own (learned scales) are not counted. Runs only when selected.

    ## Why it is bad
    In a post-norm model every norm scales the identity path down, so at initialisation the gradient of the
    last layers is large and that of the first vanishes with depth: training needs a warm-up of the learning
    rate and, from some tens of layers, fails (Xiong et al. 2020; Wang et al. 2022). Pre-norm has no such
    limit, and DeepNorm trains a thousand post-norm layers.

    ## Options
    `limit`: how many post-norm additions in a row are many.

    ## When it is wrong
    Models of 12 to 24 layers (BERT) are trained in this way all the time, with warm-up, and end up slightly
    better than pre-norm ones.

    ## References
    - Xiong et al. 2020, On Layer Normalization in the Transformer Architecture (arXiv 2002.04745).
    - Wang et al. 2022, DeepNet: Scaling Transformers to 1,000 Layers (arXiv 2203.00555): shortcut times
      (2N)^(1/4) for N layers of two additions, initial weights of the branch times (8N)^(-1/4).
    """

    code = "SKL306"
    name = "deep-post-norm"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """How deep is deep."""

        limit: int = 24

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Count the additions in a row that only a norm reads."""
        flow = analysis.of(Flow)
        for row in _rows(flow, analysis.of(Norms), analysis.skips):
            if len(row) >= self.options.limit:
                first, last = (flow.graph.operations[row[end].join] for end in (0, -1))
                yield self._finding(first, last, len(row))

    def _finding(self, first: Operation, last: Operation, count: int) -> Finding:
        return self.finding(
            f"{count} residual additions in a row, from {first.id} to {last.id}, are post-norm: "
            "the sum goes into a norm and nowhere else",
            node=first,
            expected=f"fewer than {self.options.limit} post-norm additions in a row",
            actual=str(count),
            suggestion="normalise the branch's input instead (pre-norm), or use DeepNorm with a shortcut "
            f"factor of {count**0.25:.2f}, the fourth root of {count}",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Layer(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.branch = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
                self.norm = nn.LayerNorm(width)

            def forward(self, x):
                return self.norm(x + self.branch(x))  # SKL306


        model = nn.Sequential(nn.Linear(4, 8), *(Layer(8) for _ in range(24)))
        inputs = (torch.randn(2, 4),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Layer(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.branch = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
                self.norm = nn.LayerNorm(width)

            def forward(self, x):
                return x + self.branch(self.norm(x))


        model = nn.Sequential(nn.Linear(4, 8), *(Layer(8) for _ in range(24)), nn.LayerNorm(8))
        inputs = (torch.randn(2, 4),)
        """,
        """
        import torch
        from torch import nn


        class DeepNormLayer(nn.Module):
            def __init__(self, width, depth):
                super().__init__()
                self.branch = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
                self.norm = nn.LayerNorm(width)
                self.alpha = (2 * depth) ** 0.25

            def forward(self, x):
                return self.norm(self.alpha * x + self.branch(x))


        model = nn.Sequential(nn.Linear(4, 8), *(DeepNormLayer(8, 24) for _ in range(24)))
        inputs = (torch.randn(2, 4),)
        """,
    )


def _rows(flow: Flow, norms: Norms, skips: Iterable[Skip]) -> list[list[Skip]]:
    """The post-norm additions, put together where one starts from the norm of another."""
    ends: dict[int, list[Skip]] = {}
    rows: list[list[Skip]] = []
    for skip in skips:
        if not _is_post_norm(flow, norms, skip):
            continue
        start = past_views(flow, skip.connections[0].fork)
        source = norms.source(start)
        row = ends.pop(past_views(flow, source or start).producer, None)
        if row is None:
            row = []
            rows.append(row)
        row.append(skip)
        ends[skip.join] = row
    return rows


def _is_post_norm(flow: Flow, norms: Norms, skip: Skip) -> bool:
    """Whether a norm reads what was added, and nothing else does, and the shortcut is as it was."""
    if skip.kind != "additive" or skip.shortcut != "identity" or skip.long:
        return False
    operations = flow.graph.operations
    if not all(operations[index].op.is_unchanged for index in skip.connections[0].path):
        return False
    result = skip.join
    while len(flow.readers[result]) == 1 and operations[flow.readers[result][0]].op.is_unchanged:
        result = flow.readers[result][0]
    readers = set(flow.readers[result])
    return bool(readers) and readers <= set(norms.readers(Operand(result, 0, "0")))
