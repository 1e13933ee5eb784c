"""The same mathematics has the same answers, by whatever function of torch it is written.

Each group is one small model with one operation in it, and every way to write that operation. All of them
have the same skips, the same paths, the same copies of concatenations, and findings of the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from skiplint_rules.activation_before_join import ActivationBeforeJoin
from skiplint_rules.broadcast_join import BroadcastJoin
from skiplint_rules.concat_blowup import ConcatBlowup
from skiplint_rules.degenerate_skip import DegenerateSkip
from skiplint_rules.dtype_join import DtypeJoin
from skiplint_rules.gate_bias import GateBias
from skiplint_rules.impeded_identity import ImpededIdentity
from skiplint_rules.last_norm_not_zero import LastNormNotZero
from skiplint_rules.mismatched_join import MismatchedJoin
from skiplint_rules.mismatched_layer import MismatchedLayer
from skiplint_rules.mutated_skip_source import MutatedSkipSource
from skiplint_rules.needless_projection import NeedlessProjection
from skiplint_rules.repeated_concat import RepeatedConcat
from skiplint_rules.size_dependent_join import SizeDependentJoin
from skiplint_rules.skip_after_norm import SkipAfterNorm
from skiplint_rules.unjustified_skip import UnjustifiedSkip
from torch import Tensor, nn
from torch.nn import functional as F

from skiplint.analysis.analysis import Analysis
from skiplint.tracing import Subject, trace_or_recover

RULES = (
    ActivationBeforeJoin,
    BroadcastJoin,
    ConcatBlowup,
    DegenerateSkip,
    DtypeJoin,
    GateBias,
    ImpededIdentity,
    LastNormNotZero,
    MismatchedJoin,
    MismatchedLayer,
    MutatedSkipSource,
    NeedlessProjection,
    RepeatedConcat,
    SkipAfterNorm,
    UnjustifiedSkip,
)
Written = Callable[..., Any]


class Model(nn.Module):
    """Four layers of eight channels each, with an operation to be given."""

    rank = 4
    channels = 8

    def __init__(self, written: Written) -> None:
        super().__init__()
        self.written = written
        kind = nn.Conv2d if self.rank == 4 else nn.Linear
        more = (3, 1, 1) if self.rank == 4 else ()
        self.layers = nn.ModuleList(kind(8, 8, *more) for _ in range(4))
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Sum(Model):
    """``x + f(x)``, twice."""

    def forward(self, x):
        first, second, third, fourth = self.layers
        x = self.written(x, second(torch.tanh(first(x))))
        return self.written(x, fourth(torch.tanh(third(x))))


class OnShortcut(Model):
    """``g(x) + f(x)``, three times, with an operation on the shortcut."""

    def forward(self, x):
        for first, second in (self.layers[:2], self.layers[2:], self.layers[:2]):
            x = self.written(x) + second(torch.tanh(first(x)))
        return x


class OnBranch(Model):
    """``x + g(f(x))``."""

    def forward(self, x):
        first, second, third, fourth = self.layers
        x = x + self.written(second(torch.tanh(first(x))))
        return x + self.written(fourth(torch.tanh(third(x))))


class Copied(Model):
    """``x + g(x)`` after a layer: nothing but a copy is added."""

    def forward(self, x):
        x = self.layers[0](x)
        return self.layers[1](x + self.written(x))


class Dense(Model):
    """Two dense layers, and one layer over all that they put side by side."""

    def __init__(self, written: Written) -> None:
        super().__init__(written)
        self.second, self.last = nn.Conv2d(16, 8, 3, padding=1), nn.Conv2d(24, 8, 1)

    def forward(self, x):
        x = self.written(x, self.layers[0](x))
        x = self.written(x, self.second(x))
        return self.last(torch.relu(x))


class UNet(Model):
    """Down, up, and a join with what was before."""

    def __init__(self, written: Written) -> None:
        super().__init__(written)
        self.last = nn.Conv2d(16, 8, 3, padding=1)

    def forward(self, x):
        x = self.layers[0](x)
        low = self.layers[1](F.max_pool2d(x, 2))
        return self.last(self.join(F.interpolate(low, scale_factor=2), x))

    def join(self, up, x):
        return self.written(up, x)


class Misfit(UNet):
    """A U-Net whose decoder is cut by one row."""

    def join(self, up, x):
        return self.written(up[:, :, :-1], x)


class Pooled(UNet):
    """A U-Net that is given its way down."""

    def forward(self, x):
        x = self.layers[0](x)
        low = self.layers[1](self.written(x))
        return self.last(torch.cat([F.interpolate(low, scale_factor=2), x], 1))


class Enlarged(UNet):
    """A U-Net that is given its way up."""

    def forward(self, x):
        x = self.layers[0](x)
        low = self.layers[1](F.max_pool2d(x, 2))
        return self.last(torch.cat([self.written(low), x], 1))


class Gated(Model):
    """``x + g * f(x)`` with a gate made from data."""

    def forward(self, x):
        first, second, third, _ = self.layers
        return x + self.written(third(x)) * second(torch.relu(first(x)))


class Centred(Model):
    """A statistic of all channels, added to features."""

    def forward(self, x):
        first, second, third, _ = self.layers
        x = first(x)
        return third(torch.relu(x + self.written(second(x))))


class Tokens(Model):
    """Blocks on a sequence of vectors; the operation takes a weight of (8, 8)."""

    rank = 3

    def __init__(self, written: Written) -> None:
        super().__init__(written)
        self.weight = nn.Parameter(torch.randn(8, 8))

    def forward(self, x):
        x = x + self.layers[0](torch.relu(self.written(x, self.weight)))
        return x + self.layers[1](torch.relu(self.written(x, self.weight)))


class Table(Model):
    """A table of positions, looked up by the input."""

    rank = 3

    def __init__(self, written: Written) -> None:
        super().__init__(written)
        self.table = nn.Parameter(torch.randn(10, 8))

    def forward(self, tokens):
        x = self.written(self.table, tokens)
        return x + self.layers[1](torch.relu(self.layers[0](x)))


class Noise(Model):
    """A copy that is overwritten: what is added has nothing to do with the layer before."""

    rank = 3

    def forward(self, x):
        first, second = self.layers[:2]
        hidden = first(x)
        noise = hidden.clone()
        self.written(noise)
        return second(noise) + x * 0 + noise


def both(function: Written, *args: Any, **kwargs: Any) -> Written:
    """A concatenation of two."""
    return lambda a, b: function([a, b], *args, **kwargs)


CONCATENATIONS = {
    "torch.cat": both(torch.cat, 1),
    "dim=": both(torch.cat, dim=-3),
    "axis=": both(torch.cat, axis=1),
    "torch.concat": both(torch.concat, 1),
    "torch.concatenate": both(torch.concatenate, 1),
    "torch.hstack": both(torch.hstack),
    "torch.column_stack": both(torch.column_stack),
    "torch.dstack": lambda a, b: torch.dstack([a.mT.movedim(1, 2), b.mT.movedim(1, 2)]).movedim(2, 1).mT,
    "torch.vstack": lambda a, b: torch.vstack([a.transpose(0, 1), b.transpose(0, 1)]).transpose(0, 1),
    "torch.row_stack": lambda a, b: torch.row_stack([a.transpose(0, 1), b.transpose(0, 1)]).transpose(0, 1),
}
PLAIN = {name: CONCATENATIONS[name] for name in list(CONCATENATIONS)[:7]}


def in_place(name: str, *args: Any) -> Written:
    """A method that writes into the tensor."""
    return lambda x: getattr(x, name)(*args)


ACTIVATIONS = {
    name: getattr(nn, name)()
    for name in "ReLU ReLU6 ELU CELU SELU GELU SiLU Mish Sigmoid Hardsigmoid Tanh Hardtanh Hardswish "
    "LeakyReLU PReLU RReLU Softplus LogSigmoid Softshrink Hardshrink".split()
} | {
    "Threshold": nn.Threshold(0.1, 0.0),
    "F.relu": F.relu,
    "F.relu6": F.relu6,
    "torch.relu": torch.relu,
    "torch.special.expit": torch.special.expit,
    "F.logsigmoid": F.logsigmoid,
}
BY_HAND = {
    "Softsign": nn.Softsign(),
    "x / (1 + |x|)": lambda x: x / (1 + x.abs()),
    "x * sigmoid(x)": lambda x: x * torch.sigmoid(x),
    "x * tanh(softplus(x))": lambda x: x * torch.tanh(F.softplus(x)),
}
HALF = torch.arange(4)


@dataclass(frozen=True)
class Group:
    """One model, and the ways to write its operation."""

    model: type[Model]
    ways: Mapping[str, Written]
    findings: frozenset[str] = frozenset()
    """The rules that find something in all of them."""
    rules: tuple[Any, ...] = RULES
    one_operation: bool = True
    """Each way is one operation, with as many paths through it."""


GROUPS = {
    "sums": Group(
        Sum,
        {
            "+": lambda a, b: a + b,
            "torch.add": torch.add,
            "method": lambda a, b: a.add(b),
            "in place": lambda a, b: b.add_(a),
            "+=": lambda a, b: b.__iadd__(a),
            "out=": lambda a, b: torch.add(a, b, out=torch.empty_like(a)),
            "alpha=": lambda a, b: torch.add(a, b, alpha=1),
            "stack.sum": lambda a, b: torch.stack([a, b]).sum(0),
            "stack.nansum": lambda a, b: torch.stack([a, b]).nansum(0),
            "a - (-b)": lambda a, b: a - (-b),
            "subtract negative": lambda a, b: torch.subtract(a, torch.negative(b)),
        },
    ),
    "concatenations": Group(Dense, CONCATENATIONS),
    "joins of a U-Net": Group(UNet, CONCATENATIONS),
    "sizes of a U-Net": Group(UNet, PLAIN, frozenset({"SKL104"}), rules=(SizeDependentJoin,)),
    "joins that do not fit": Group(Misfit, PLAIN, frozenset({"SKL101"}), rules=(MismatchedJoin,)),
    "activations on a shortcut": Group(OnShortcut, ACTIVATIONS, frozenset({"SKL301"})),
    "activations written out": Group(OnShortcut, BY_HAND, frozenset({"SKL301"}), one_operation=False),
    "rectifiers before a join": Group(
        OnBranch,
        {
            "F.relu": F.relu,
            "F.relu6": F.relu6,
            "nn.ReLU6": nn.ReLU6(),
            "torch.clamp": lambda x: torch.clamp(x, 0),
            "min=": lambda x: x.clamp(min=0),
            "torch.clip": lambda x: torch.clip(x, 0),
            "clamp_min": lambda x: x.clamp_min(0),
            "F.hardtanh": lambda x: F.hardtanh(x, 0, 6),
            "F.threshold": lambda x: F.threshold(x, 0, 0),
            "torch.maximum": lambda x: torch.maximum(x, torch.zeros(())),
            "torch.fmax": lambda x: torch.fmax(x, torch.zeros(())),
            "torch.max": lambda x: torch.max(x, torch.zeros(())),
        },
        frozenset({"SKL302"}),
    ),
    "dropouts on a shortcut": Group(
        OnShortcut,
        {
            "nn.Dropout": nn.Dropout(0.2),
            "F.dropout": lambda x: F.dropout(x, 0.2),
            "nn.Dropout2d": nn.Dropout2d(0.2),
            "nn.AlphaDropout": nn.AlphaDropout(0.2),
            "nn.FeatureAlphaDropout": nn.FeatureAlphaDropout(0.2),
            "native": lambda x: torch.native_dropout(x, 0.2, True)[0],
        },
        frozenset({"SKL301"}),
    ),
    "norms on a shortcut": Group(
        OnShortcut,
        {
            "nn.LayerNorm": nn.LayerNorm(16, elementwise_affine=False),
            "nn.GroupNorm": nn.GroupNorm(2, 8, affine=False),
            "nn.BatchNorm2d": nn.BatchNorm2d(8, affine=False),
            "F.instance_norm": F.instance_norm,
            "F.rms_norm": lambda x: F.rms_norm(x, (16,)),
        },
        frozenset({"SKL301"}),
    ),
    "norms written out": Group(
        OnShortcut,
        {
            "nn.LocalResponseNorm": nn.LocalResponseNorm(3),
            "by mean and var": lambda x: (x - x.mean(1, True)) / torch.sqrt(x.var(1, keepdim=True) + 1e-5),
            "F.normalize": lambda x: F.normalize(x, dim=1),
            "linalg": lambda x: x / torch.linalg.vector_norm(x, dim=1, keepdim=True),
            "linalg.norm": lambda x: x / torch.linalg.norm(x, dim=1, keepdim=True),
        },
        frozenset({"SKL301"}),
        one_operation=False,
    ),
    "copies": Group(
        Copied,
        {
            "itself": lambda x: x,
            "contiguous": lambda x: x.contiguous(),
            "clone": lambda x: x.clone(),
            "torch.clone": torch.clone,
            "to": lambda x: x.to(torch.float32, copy=True),
            "double and back": lambda x: x.double().float(),
            "type": lambda x: x.type(torch.float64).type_as(x),
        },
        frozenset({"SKL205"}),
    ),
    "poolings": Group(
        Pooled,
        {
            "F.max_pool2d": lambda x: F.max_pool2d(x, 2),
            "nn.MaxPool2d": nn.MaxPool2d(2, 2),
            "with indices": lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
            "F.avg_pool2d": lambda x: F.avg_pool2d(x, 2),
            "torch.max_pool2d": lambda x: torch.max_pool2d(x, (2, 2), (2, 2)),
            "F.max_pool3d": lambda x: F.max_pool3d(x, (1, 2, 2)),
            "F.avg_pool3d": lambda x: F.avg_pool3d(x, (1, 2, 2)),
            "F.adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 8),
            "F.adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, 8),
        },
    ),
    "sizes of poolings": Group(
        Pooled,
        {
            "F.max_pool2d": lambda x: F.max_pool2d(x, 2),
            "with indices": lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
            "F.avg_pool2d": lambda x: F.avg_pool2d(x, 2),
        },
        frozenset({"SKL104"}),
        rules=(SizeDependentJoin,),
    ),
    "resamplings": Group(
        Enlarged,
        {
            "nearest": lambda x: F.interpolate(x, scale_factor=2),
            "nearest-exact": lambda x: F.interpolate(x, scale_factor=2, mode="nearest-exact"),
            "bilinear": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
            "bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
            "antialias": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", antialias=True),
            "bicubic antialias": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic", antialias=True),
            "nn.Upsample": nn.Upsample(scale_factor=2),
            "nn.UpsamplingBilinear2d": nn.UpsamplingBilinear2d(scale_factor=2),
            "size=": lambda x: F.interpolate(x, size=(16, 16)),
            "grid_sample": lambda x: F.grid_sample(x, torch.zeros(2, 16, 16, 2), align_corners=False),
        },
    ),
    "reshapes": Group(
        OnBranch,
        {
            "view": lambda x: x.view(2, 8, 256).view(2, 8, 16, 16),
            "reshape": lambda x: x.reshape(2, 8, -1).reshape(x.shape),
            "torch.reshape": lambda x: torch.reshape(torch.reshape(x, (2, -1)), (2, 8, 16, 16)),
            "flatten": lambda x: x.flatten(2).unflatten(2, (16, 16)),
            "nn.Flatten": lambda x: nn.Unflatten(1, (8, 16, 16))(nn.Flatten()(x)),
            "ravel": lambda x: x.ravel().view_as(x),
            "unsqueeze": lambda x: x.unsqueeze(1).squeeze(1),
            "x[None]": lambda x: x[None].squeeze(0),
            "reshape_as": lambda x: x.flatten().reshape_as(x),
        },
    ),
    "axes moved": Group(
        OnBranch,
        {
            "transpose": lambda x: x.transpose(1, 2).transpose(1, 2),
            "swapaxes": lambda x: x.swapaxes(1, 2).swapdims(1, 2),
            "permute": lambda x: x.permute(0, 2, 1, 3).permute((0, 2, 1, 3)),
            "movedim": lambda x: x.movedim(1, -1).moveaxis(-1, 1),
            "mT": lambda x: x.mT.mT,
            "adjoint": lambda x: x.adjoint().mH,
            "T": lambda x: x.flatten(1).T.t().view_as(x),
            "H": lambda x: x.flatten(1).H.H.view_as(x),
        },
    ),
    "expansions": Group(
        OnBranch,
        {
            "expand": lambda x: x.unsqueeze(1).expand(2, 1, 8, 16, 16).squeeze(1),
            "expand_as": lambda x: x.unsqueeze(1).expand_as(x[:, None]).squeeze(1),
            "broadcast_to": lambda x: torch.broadcast_to(x.unsqueeze(1), (2, 1, 8, 16, 16)).squeeze(1),
        },
    ),
    "histories cut off": Group(OnBranch, {"detach": lambda x: x.detach(), "data": lambda x: x.data}),
    "gates": Group(
        Gated,
        {
            "torch.sigmoid": torch.sigmoid,
            "F.sigmoid": F.sigmoid,
            "nn.Sigmoid": nn.Sigmoid(),
            "special.expit": torch.special.expit,
            "F.hardsigmoid": F.hardsigmoid,
            "1 - sigmoid": lambda x: 1 - torch.sigmoid(x),
        },
    ),
    "softmax as a gate": Group(
        Gated,
        {
            "F.softmax": lambda x: F.softmax(x, 1),
            "nn.Softmax": nn.Softmax(1),
            "special.softmax": lambda x: torch.special.softmax(x, 1),
            "nn.Softmax2d": nn.Softmax2d(),
        },
    ),
    "reductions": Group(
        Centred,
        {
            "mean": lambda x: x.mean((2, 3), keepdim=True),
            "torch.mean": lambda x: torch.mean(x, dim=(-1, -2), keepdim=True),
            "in two steps": lambda x: x.mean(3, True).mean(2, True),
            "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 1),
            "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, 1),
            "avg_pool2d": lambda x: F.avg_pool2d(x, 16),
            "max_pool2d": lambda x: F.max_pool2d(x, 16),
            "amax": lambda x: x.amax((2, 3), keepdim=True),
            "max": lambda x: x.max(3, True)[0].max(2, True)[0],
            "median": lambda x: x.flatten(2).median(2, True)[0].unsqueeze(3),
            "nanmedian": lambda x: x.flatten(2).nanmedian(2, True)[0].unsqueeze(3),
            "logsumexp": lambda x: x.logsumexp((2, 3), keepdim=True),
            "norm": lambda x: x.norm(2, (2, 3), keepdim=True),
            "var": lambda x: x.var((2, 3), keepdim=True),
            "std": lambda x: x.std((2, 3), keepdim=True),
            "quantile": lambda x: x.flatten(2).quantile(0.5, 2, True).unsqueeze(3),
        },
    ),
    "products with weights": Group(
        Tokens,
        {
            "F.linear": F.linear,
            "@": lambda x, w: x @ w.t(),
            "torch.matmul": lambda x, w: torch.matmul(x, w),
            "einsum": lambda x, w: torch.einsum("btc,dc->btd", x, w),
            "mm": lambda x, w: torch.mm(x.flatten(0, 1), w).unflatten(0, (2, 4)),
            "bmm": lambda x, w: torch.bmm(x, w.expand(2, 8, 8)),
            "addmm": lambda x, w: torch.addmm(torch.zeros(8), x.flatten(0, 1), w).unflatten(0, (2, 4)),
            "baddbmm": lambda x, w: torch.baddbmm(torch.zeros(1), x, w.expand(2, 8, 8)),
            "conv1d": lambda x, w: F.conv1d(x.mT, w[:, :, None]).mT,
        },
    ),
    "look-ups": Group(
        Table,
        {
            "F.embedding": lambda table, tokens: F.embedding(tokens, table),
            "table[tokens]": lambda table, tokens: table[tokens],
            "index_select": lambda table, tokens: table.index_select(0, tokens.flatten()).view(2, 4, 8),
            "gather": lambda table, tokens: table.gather(0, tokens.flatten()[:, None].expand(-1, 8)).view(
                2, 4, 8
            ),
            "take_along_dim": lambda table, tokens: torch.take_along_dim(
                table, tokens.flatten()[:, None].expand(-1, 8), 0
            ).view(2, 4, 8),
        },
    ),
    "overwrites": Group(
        Noise,
        {
            "normal_": in_place("normal_"),
            "uniform_": in_place("uniform_"),
            "random_": in_place("random_"),
            "exponential_": in_place("exponential_"),
            "cauchy_": in_place("cauchy_"),
            "log_normal_": in_place("log_normal_"),
            "geometric_": in_place("geometric_", 0.5),
            "bernoulli_": in_place("bernoulli_", 0.5),
            "zero_": in_place("zero_"),
            "fill_": in_place("fill_", 2.0),
        },
    ),
    "parts": Group(
        OnBranch,
        {
            "x[:, :4]": lambda x: torch.cat([x[:, :4], x[:, 4:]], 1),
            "narrow": lambda x: torch.cat([x.narrow(1, 0, 4), x.narrow(1, 4, 4)], 1),
            "narrow_copy": lambda x: torch.cat(
                [torch.narrow_copy(x, 1, 0, 4), torch.narrow_copy(x, 1, 4, 4)], 1
            ),
            "chunk": lambda x: torch.cat(x.chunk(2, 1), 1),
            "split": lambda x: torch.cat(torch.split(x, 4, 1), 1),
            "split sizes": lambda x: torch.cat(x.split([4, 4], 1), 1),
            "split_with_sizes": lambda x: torch.cat(x.split_with_sizes([4, 4], 1), 1),
            "unsafe_split": lambda x: torch.cat(torch.unsafe_split(x, 4, 1), 1),
            "unsafe_chunk": lambda x: torch.cat(torch.unsafe_chunk(x, 2, 1), 1),
            "tensor_split": lambda x: torch.cat(torch.tensor_split(x, 2, 1), 1),
            "hsplit": lambda x: torch.cat(torch.hsplit(x, 2), 1),
            "index_select": lambda x: torch.cat([x.index_select(1, HALF), x.index_select(1, HALF + 4)], 1),
        },
    ),
    "halves of a gated unit": Group(
        OnBranch,
        {
            "chunk": lambda x: _glu(*x.chunk(2, 1)),
            "split": lambda x: _glu(*x.split(4, 1)),
            "tensor_split": lambda x: _glu(*x.tensor_split(2, 1)),
            "hsplit": lambda x: _glu(*torch.hsplit(x, 2)),
            "slices": lambda x: _glu(x[:, :4], x[:, 4:]),
            "narrow": lambda x: _glu(x.narrow(1, 0, 4), x.narrow(1, 4, 4)),
        },
    ),
}


def _glu(value: Tensor, gate: Tensor) -> Tensor:
    return (value * torch.sigmoid(gate)).repeat(1, 2, 1, 1)


def inputs_of(model: Model) -> Tensor:
    if isinstance(model, Table):
        return torch.randint(0, 10, (2, 4))
    return torch.randn(2, 8, 16, 16) if model.rank == 4 else torch.randn(2, 4, 8)


def answers(group: Group, way: str) -> dict[str, Any]:
    """All that is asked of one model."""
    torch.manual_seed(0)
    model = group.model(group.ways[way]).train()
    graph = trace_or_recover(model, (inputs_of(model),), {})
    analysis = Analysis(graph, Subject(model, (inputs_of(model),), {}))
    skips = [
        (skip.kind, skip.shortcut, skip.span, skip.long, len(skip.connections), skip.scale)
        for skip in analysis.skips
    ]
    findings = {finding.code for rule in group.rules for finding in rule().check(analysis)}
    return {
        "skips": skips,
        "paths": analysis.paths.layers.histogram if group.one_operation else None,
        "weighted": sum(operation.weighted for operation in analysis.graph),
        "findings": findings,
        "copies": analysis.memory.totals.blowup,
    }


@pytest.mark.parametrize(
    ("name", "way"), [(name, way) for name, group in GROUPS.items() for way in group.ways]
)
def test_the_answers_do_not_depend_on_the_spelling(name, way, first_answers):
    group = GROUPS[name]
    found = answers(group, way)
    assert found["findings"] == group.findings
    assert found == first_answers(name)


@pytest.fixture(scope="module")
def first_answers():
    """The answers of each group for its first way to write it, once."""
    known: dict[str, dict[str, Any]] = {}

    def first(name: str) -> dict[str, Any]:
        if name not in known:
            known[name] = answers(GROUPS[name], next(iter(GROUPS[name].ways)))
        return known[name]

    return first
