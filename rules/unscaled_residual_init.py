"""SKL308 unscaled-residual-init."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from skiplint.rules_api import (
    Analysis,
    Family,
    Finding,
    Flow,
    Operation,
    ResidualStreams,
    Rule,
    RuleOptions,
    Severity,
    Skip,
    branch_operations,
    is_depthwise,
    last_layer,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class _Spread:
    """How wide a layer's weights are at the start."""

    layer: Operation
    std: float
    inputs: int
    """How many features each result is made of."""


class UnscaledResidualInit(Rule):
    """The projections that write into a deep residual stream start as wide as all others.

    ## What it does
    Takes a residual stream of `least` additions or more in a row, and compares the standard deviation of the
    weights of the last layer of each branch (`c_proj` in GPT-2) with that of the branch's other layers. If
    most are nearer to these than to 1/sqrt(n) of them, n being the number of additions, it reports the first
    one. A layer with another number of inputs counts only if it is too wide both as it is and in proportion
    to its inputs. Branches with a learned scale are left out, and so are those that end in a depthwise
    convolution, which writes into every channel by itself (position encodings). Runs only when
    selected, and only where the weights can be had.

    ## Why it is bad
    Every branch adds its variance to the stream, so after n additions it is n times as large, and the first
    updates with it. GPT-2 and its descendants start these projections at 1/sqrt(n) of the usual width. The
    scaling is easily lost without anything failing: a loop over `named_parameters()` that compares a full
    name with a short one, an `init_weights` that runs again afterwards.

    ## Options
    `least`: how many additions in a row are deep.

    ## When it is wrong
    In models that do not promise it: a ViT with layer scale or a post-norm model needs none. On trained
    weights the figures say nothing.

    ## References
    - Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.3: 1/sqrt(N).
    - huggingface/transformers issue 47458: `c_proj` of GPT-2 was initialised with the default width.
    """

    code = "SKL308"
    name = "unscaled-residual-init"
    severity = Severity.INFO
    depends_on_sizes = True
    default = False

    class Options(RuleOptions, frozen=True):
        """How deep a stream has to be."""

        least: int = 12

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Compare the projections of each deep stream with the other layers of their branches."""
        flow = analysis.of(Flow)
        streams = [
            stream
            for stream in analysis.of(ResidualStreams())
            if len(stream) >= self.options.least
            and all(last_layer(flow, skip) is not None for skip in stream)
        ]
        state = analysis.state if streams else None
        for stream in streams if state is not None else ():
            assert state is not None
            yield from self._judge(flow, stream, state)

    def _judge(self, flow: Flow, stream: Sequence[Skip], state: Mapping[str, Tensor]) -> Iterator[Finding]:
        wanted = len(stream) ** -0.5
        halfway = (1 + wanted) / 2
        rows = [(_projection(flow, skip, state), _others(flow, skip, state)) for skip in stream]
        spreads = [other for _, others in rows for other in others]
        judged = [
            (own, others or spreads, ratio)
            for own, others in rows
            if own is not None and (ratio := _ratio(own, others or spreads)) is not None
        ]
        unscaled = [(own, others) for own, others, ratio in judged if ratio > halfway]
        if not unscaled or len(unscaled) * 2 < len(judged):
            return
        first, beside = unscaled[0]
        usual = median(other.std for other in beside)
        yield self.finding(
            f"{len(unscaled)} of {len(judged)} branches that are added in a row end in a layer whose weights "
            f"start as wide as any: {first.layer.id} has a std of {first.std:.3g}, the others {usual:.3g}",
            node=first.layer,
            expected=f"about {usual * wanted:.3g} (1/sqrt({len(stream)}) of the others)",
            actual=f"{first.std:.3g}",
            suggestion=f"start the last layer of every branch at 1/sqrt({len(stream)}) = {wanted:.3g} of the "
            "usual std, after all other initialisation",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.norm = nn.LayerNorm(width)
                self.up = nn.Linear(width, 4 * width)
                self.down = nn.Linear(4 * width, width)
                for layer in (self.up, self.down):
                    nn.init.normal_(layer.weight, std=0.02)

            def forward(self, x):
                hidden = torch.relu(self.up(self.norm(x)))
                return x + self.down(hidden)  # SKL308


        model = nn.Sequential(nn.Linear(4, 32), *(Block(32) for _ in range(16)))
        inputs = (torch.randn(2, 4),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width, depth):
                super().__init__()
                self.norm = nn.LayerNorm(width)
                self.up = nn.Linear(width, 4 * width)
                self.down = nn.Linear(4 * width, width)
                nn.init.normal_(self.up.weight, std=0.02)
                nn.init.normal_(self.down.weight, std=0.02 * depth**-0.5)

            def forward(self, x):
                hidden = torch.relu(self.up(self.norm(x)))
                return x + self.down(hidden)


        model = nn.Sequential(nn.Linear(4, 32), *(Block(32, depth=16) for _ in range(16)))
        inputs = (torch.randn(2, 4),)
        """,
    )


def _projection(flow: Flow, skip: Skip, state: Mapping[str, Tensor]) -> _Spread | None:
    layer = last_layer(flow, skip)
    return None if layer is None or is_depthwise(flow.graph, layer) else _spread(layer, state)


def _others(flow: Flow, skip: Skip, state: Mapping[str, Tensor]) -> list[_Spread]:
    """The branch's layers but the last."""
    own = last_layer(flow, skip)
    layers = [each for each in branch_operations(flow, skip) if each.weighted and each is not own]
    return [found for layer in layers if (found := _spread(layer, state)) is not None]


def _spread(layer: Operation, state: Mapping[str, Tensor]) -> _Spread | None:
    weights = [state[name] for name in layer.parameters if name in state and state[name].dim() > 1]
    if len(weights) != 1 or weights[0].is_meta:
        return None
    weight = weights[0].detach()
    # `linear` and convolutions hold (out, in, ...), a product with the weight on its right (in, out).
    own = layer.op.is_a(Family.LINEAR, Family.CONVOLUTION)
    inputs = weight[0].numel() if own else weight.shape[-2]
    return _Spread(layer, float(weight.float().std(correction=0)), inputs)


def _ratio(own: _Spread, others: Sequence[_Spread]) -> float | None:
    """How wide ``own`` is beside ``others``; the lesser of two readings where the inputs differ."""
    known = [other for other in others if other.std > 0]
    if not known:
        return None
    plain = own.std / median(other.std for other in known)
    usual = median(other.std * math.sqrt(other.inputs) for other in known)
    scaled = own.std * math.sqrt(own.inputs) / usual
    return min(plain, scaled)
