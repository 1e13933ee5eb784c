"""SKL306 deep-post-norm."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint import Finding, Rule, RuleOptions, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.flow import Flow
from skiplint.analysis.skips import Skip
from skiplint.analysis.skips.roles import is_unchanged
from skiplint.graph import Operand

from ._norms import Norms
from ._reading import flow_of


class DeepPostNorm(Rule):
    """Many residual additions with a norm right behind each, and nothing that makes up for it.

    ## What it does
    Counts the residual additions whose result goes into a norm and nowhere else (post-norm), and reports
    the first if there are `limit` or more of them. A transformer layer has two. Shortcuts with a factor
    above 1 (DeepNorm) or of their own (learned scales) are not counted. Runs only when selected.

    ## Why it is bad
    In a post-norm model every norm scales the identity path down, so at initialisation the gradient of the
    last layers is large and that of the first vanishes with depth: training needs a warm-up of the learning
    rate and, from some tens of layers, fails (Xiong et al. 2020; Wang et al. 2022). Pre-norm has no such
    limit, and DeepNorm trains a thousand post-norm layers.

    ## Options
    `limit`: how many post-norm additions are many.

    ## When it is wrong
    Models of 12 to 24 layers (BERT) are trained in this way all the time, with warm-up, and end up slightly
    better than pre-norm ones.

    ## References
    - Xiong et al. 2020, On Layer Normalization in the Transformer Architecture (arXiv 2002.04745).
    - Wang et al. 2022, DeepNet: Scaling Transformers to 1,000 Layers (arXiv 2203.00555): shortcut times
      (2N)^(1/4), initial weights of the branch times (8N)^(-1/4).
    """

    code = "SKL306"
    name = "deep-post-norm"
    severity = Severity.INFO
    default = False

    class Options(RuleOptions, frozen=True):
        """How deep is deep."""

        limit: int = 24

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Count the additions that only a norm reads."""
        flow = flow_of(analysis)
        norms = Norms(flow)
        found = [skip for skip in analysis.skips if _is_post_norm(flow, norms, skip)]
        if len(found) >= self.options.limit:
            first, last = (analysis.graph.operations[skip.join] for skip in (found[0], found[-1]))
            layers = len(found) / 2
            yield self.finding(
                f"{len(found)} residual additions, from {first.id} to {last.id}, are post-norm: "
                "the sum goes into a norm and nowhere else",
                node=first,
                expected=f"fewer than {self.options.limit} post-norm additions",
                actual=str(len(found)),
                suggestion="normalise the branch's input instead (pre-norm), or use DeepNorm with a shortcut "
                f"factor of {(2 * layers) ** 0.25:.2f} for {layers:g} layers of two additions",
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


def _is_post_norm(flow: Flow, norms: Norms, skip: Skip) -> bool:
    """Whether a norm reads what was added, and nothing else does, and the shortcut is as it was."""
    if skip.kind != "additive" or skip.shortcut != "identity" or skip.long:
        return False
    operations = flow.graph.operations
    if not all(is_unchanged(operations[index]) for index in skip.connections[0].path):
        return False
    result = skip.join
    while len(flow.readers[result]) == 1 and is_unchanged(operations[flow.readers[result][0]]):
        result = flow.readers[result][0]
    readers = set(flow.readers[result])
    return bool(readers) and readers <= set(norms.readers(Operand(result, 0, "0")))
