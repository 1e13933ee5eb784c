"""The skip connections of known architectures, each in its smallest form."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.analysis.skips.skip_counts import kinds, skips_of

IMAGE = torch.zeros(2, 8, 16, 16)
TOKENS = torch.zeros(2, 6, 16)
SERIES = torch.zeros(2, 8, 32)


def conv(inside: int = 8, outside: int | None = None, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inside, outside or inside, kernel, stride, kernel // 2)


def block(inside: int = 8, outside: int | None = None, stride: int = 1) -> nn.Sequential:
    outside = outside or inside
    return nn.Sequential(
        conv(inside, outside, stride),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
        conv(outside),
        nn.BatchNorm2d(outside),
    )


class Residual(nn.Module):
    """``x + f(x)``, with an optional shortcut module and an activation after the addition."""

    def __init__(
        self, body: nn.Module, shortcut: nn.Module | None = None, after: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.body, self.shortcut, self.after = body, shortcut or nn.Identity(), after or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.body(x) + self.shortcut(x))


# -- residual networks --------------------------------------------------------------------------


def test_post_activation_resnet():
    net = nn.Sequential(
        conv(), Residual(block(), after=nn.ReLU()), Residual(block(), after=nn.ReLU(inplace=True))
    )
    skips = skips_of(net, IMAGE)
    assert [(s.kind, s.shortcut, s.span) for s in skips] == [("additive", "identity", 2)] * 2


def test_pre_activation_resnet():
    body = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU(), conv(), nn.BatchNorm2d(8), nn.ReLU(), conv())
    assert kinds(nn.Sequential(Residual(body), Residual(body)), IMAGE) == {"additive": 2}


def test_projection_where_the_shape_changes():
    (skip,) = skips_of(Residual(block(8, 16, 2), conv(8, 16, 2, kernel=1)), IMAGE)
    assert (skip.kind, skip.shortcut) == ("additive", "projection")
    assert skip.connections[0].carries == ("conv2d",)


def test_an_output_named_like_an_argument():
    """Segmentation models return ``{"out": ...}``, which is no ``out=``."""

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = Residual(block(8, 16, 2), conv(8, 16, 2, kernel=1))

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"out": self.net(x)}

    assert kinds(Named(), IMAGE) == {"additive": 1}


def test_resnet_d_pools_on_the_projection():
    shortcut = nn.Sequential(nn.AvgPool2d(2), conv(8, 16, kernel=1), nn.BatchNorm2d(16))
    (skip,) = skips_of(Residual(block(8, 16, 2), shortcut), IMAGE)
    assert skip.shortcut == "projection"
    assert skip.connections[0].carries == ("avg_pool2d", "conv2d", "batch_norm")


def test_padded_shortcut_of_the_cifar_resnet():
    class OptionA(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4))

    (skip,) = skips_of(Residual(block(8, 16, 2), OptionA()), IMAGE)
    assert (skip.kind, skip.shortcut) == ("additive", "identity")
    assert skip.connections[0].carries == ("getitem", "pad")


def test_inception_resnet():
    class Body(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right, self.up = (
                conv(8, 4, kernel=1),
                nn.Sequential(conv(8, 4), conv(4, 4)),
                conv(8, 8),
            )

        def forward(self, x: Tensor) -> Tensor:
            return 0.2 * self.up(torch.cat([self.left(x), self.right(x)], 1))

    (skip,) = skips_of(Residual(Body()), IMAGE)
    assert (skip.kind, skip.scale) == ("additive", "constant")


def test_xception():
    separable = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), conv(8, 8, kernel=1))
    assert kinds(nn.Sequential(Residual(separable), Residual(block(8, 8, 2), conv(8, 8, 2, 1))), IMAGE) == {
        "additive": 2
    }


def test_reversible_coupling():
    class Reversible(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.f, self.g = conv(4), conv(4)

        def forward(self, x: Tensor) -> Tensor:
            left, right = x.chunk(2, 1)
            left = left + self.f(right)
            right = right + self.g(left)
            return torch.cat([left, right], 1)

    assert kinds(nn.Sequential(conv(), Reversible(), Reversible(), conv()), IMAGE)["additive"] == 4


def test_mobilenet_v2_has_no_skip_at_stride_two():
    def inverted(stride: int) -> nn.Module:
        body = nn.Sequential(
            conv(8, 16, kernel=1), nn.Conv2d(16, 16, 3, stride, 1, groups=16), conv(16, 8, kernel=1)
        )
        return Residual(body) if stride == 1 else body

    assert kinds(nn.Sequential(inverted(1), inverted(2), inverted(1)), IMAGE) == {"additive": 2}


def test_squeeze_and_excitation_in_the_branch_leaves_the_join_additive():
    class Excited(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = block()
            self.gate = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), conv(8, 2, kernel=1), nn.ReLU(), conv(2, 8, kernel=1)
            )

        def forward(self, x: Tensor) -> Tensor:
            y = self.body(x)
            return x + y * self.gate(y).sigmoid()

    (skip,) = skips_of(Excited(), IMAGE)
    assert (skip.kind, skip.gate, skip.scale) == ("additive", None, None)


def test_residual_in_residual():
    inner = nn.Sequential(Residual(block()), Residual(block()))
    skips = skips_of(nn.Sequential(conv(), Residual(inner), conv()), IMAGE)
    assert [skip.long for skip in skips] == [False, False, True]


def test_repvgg_adds_its_identity_and_two_convolutions_in_one_join():
    class Rep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.three, self.one, self.identity = conv(), conv(kernel=1), nn.BatchNorm2d(8)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.three(x) + self.one(x) + self.identity(x))

    (skip,) = skips_of(Rep(), IMAGE)
    assert (skip.shortcut, len(skip.operands), len(skip.connections)) == ("identity", 3, 1)


def test_fractal_net_averages_paths_of_different_depth():
    class Fractal(nn.Module):
        def __init__(self, depth: int) -> None:
            super().__init__()
            self.one = conv()
            self.more = nn.Sequential(Fractal(depth - 1), Fractal(depth - 1)) if depth else None

        def forward(self, x: Tensor) -> Tensor:
            if self.more is None:
                return self.one(x)
            return torch.stack([self.one(x), self.more(x)]).mean(0)

    skips = skips_of(Fractal(2), IMAGE)
    assert {(s.kind, s.shortcut) for s in skips} == {("additive", "projection")}
    assert len(skips) == 3


def test_stochastic_depth_in_training_and_evaluation():
    class DropPath(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                return x
            keep = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(0.9)
            return x.div(0.9) * keep

    net = nn.Sequential(
        Residual(nn.Sequential(block(), DropPath())), Residual(nn.Sequential(block(), DropPath()))
    )
    assert kinds(net, IMAGE) == kinds(net, IMAGE, train=True) == {"additive": 2}
    assert {skip.scale for skip in skips_of(net, IMAGE, train=True)} == {None}


class Scaled(nn.Module):
    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.body, self.scale = nn.Linear(16, 16), nn.Parameter(scale)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.body(x)


def test_rezero_and_layer_scale():
    for scale in (torch.zeros(()), torch.ones(16)):
        (skip,) = skips_of(Scaled(scale), TOKENS)
        assert (skip.kind, skip.scale) == ("additive", "parameter")


# -- dense and encoder-decoder networks ------------------------------------------------------------


def test_dense_block_from_a_list():
    class Dense(nn.Module):
        def __init__(self, layers: int) -> None:
            super().__init__()
            self.layers = nn.ModuleList(conv(8 + 4 * i, 4) for i in range(layers))

        def forward(self, x: Tensor) -> Tensor:
            features = [x]
            for layer in self.layers:
                features.append(layer(torch.cat(features, 1)))
            return torch.cat(features, 1)

    skips = skips_of(nn.Sequential(conv(), Dense(5), conv(28, 8)), IMAGE)
    assert {skip.kind for skip in skips} == {"concatenative"}
    assert sum(len(skip.connections) for skip in skips) == 5 * 6 // 2
    assert len(skips) == 5


def test_dense_block_by_pairwise_concatenation():
    class Layer(nn.Module):
        def __init__(self, inside: int) -> None:
            super().__init__()
            self.conv = conv(inside, 4)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x, self.conv(x)], 1)

    net = nn.Sequential(conv(), *(Layer(8 + 4 * i) for i in range(4)), conv(24, 8))
    assert kinds(net, IMAGE) == {"concatenative": 4}


class UNet(nn.Module):
    """Four levels; the ways to merge and to come up are given."""

    def __init__(self, merge: str = "cat", crop: bool = False, transposed: bool = True) -> None:
        super().__init__()
        widths = (8, 8, 8, 8)
        self.down = nn.ModuleList(block(8) for _ in widths)
        self.bottom = block(8)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(8, 8, 2, 2) if transposed else nn.Upsample(scale_factor=2) for _ in widths
        )
        self.merged = nn.ModuleList(block(16 if merge == "cat" else 8, 8) for _ in widths)
        self.merge, self.crop = merge, crop

    def forward(self, x: Tensor) -> Tensor:
        features = []
        for down in self.down:
            features.append(x := down(x))
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, merged in zip(self.up, self.merged, strict=True):
            skip = features.pop()
            x = up(x)
            if self.crop:
                skip, x = skip[:, :, 1:-1, 1:-1], x[:, :, 1:-1, 1:-1]
                skip, x = (F.pad(t, (1, 1, 1, 1)) for t in (skip, x))
            x = merged(torch.cat([skip, x], 1) if self.merge == "cat" else skip + x)
        return x


def test_unet():
    skips = skips_of(UNet(), IMAGE)
    assert [(s.kind, s.shortcut, s.long) for s in skips] == [("concatenative", "identity", True)] * 4


def test_unet_with_cropped_skips_and_plain_upsampling():
    assert kinds(UNet(crop=True, transposed=False), IMAGE) == {"concatenative": 4}


def test_linknet_adds():
    skips = skips_of(UNet(merge="add"), IMAGE)
    assert [(s.kind, s.long) for s in skips] == [("additive", True)] * 4


def test_unet_whose_blocks_are_residual():
    """The bypasses inside the blocks do not hide the long skips around them."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode, self.bottom, self.decode = Residual(block()), Residual(block()), conv(16, 8)

        def forward(self, x: Tensor) -> Tensor:
            x = self.encode(x)
            low = self.bottom(F.max_pool2d(x, 2))
            return self.decode(torch.cat([F.interpolate(low, scale_factor=2), x], 1))

    assert kinds(Net(), IMAGE) == {"additive": 2, "concatenative": 1}


def test_unet_plus_plus():
    class Nested(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x00, self.x10, self.x20 = block(), block(), block()
            self.x01, self.x11, self.x02 = block(16, 8), block(16, 8), block(24, 8)

        def forward(self, x: Tensor) -> Tensor:
            x00 = self.x00(x)
            x10 = self.x10(F.max_pool2d(x00, 2))
            x20 = self.x20(F.max_pool2d(x10, 2))
            x01 = self.x01(torch.cat([x00, F.interpolate(x10, scale_factor=2)], 1))
            x11 = self.x11(torch.cat([x10, F.interpolate(x20, scale_factor=2)], 1))
            return self.x02(torch.cat([x00, x01, F.interpolate(x11, scale_factor=2)], 1))

    skips = skips_of(Nested(), IMAGE)
    # x01 is no shortcut past x11, which is not computed from it; x00 is one past both.
    assert [(s.kind, len(s.connections)) for s in skips] == [("concatenative", 1)] * 3


def test_attention_unet_gates_its_skips():
    class AttentionUNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode, self.bottom, self.decode = block(), block(), block(16, 8)
            self.from_skip, self.from_below, self.score = (
                conv(8, 4, kernel=1),
                conv(8, 4, kernel=1),
                conv(4, 1, kernel=1),
            )

        def forward(self, x: Tensor) -> Tensor:
            skip = self.encode(x)
            below = F.interpolate(self.bottom(F.max_pool2d(skip, 2)), scale_factor=2)
            attention = torch.sigmoid(self.score(F.relu(self.from_skip(skip) + self.from_below(below))))
            return self.decode(torch.cat([skip * attention, below], 1))

    (skip,) = skips_of(AttentionUNet(), IMAGE)
    assert (skip.kind, skip.gate is not None) == ("gated", True)


def test_feature_pyramid():
    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.ModuleList(nn.Sequential(conv(8, 8, 2), nn.ReLU(), conv()) for _ in range(3))
            self.lateral = nn.ModuleList(conv(kernel=1) for _ in range(3))
            self.out = nn.ModuleList(conv() for _ in range(3))

        def forward(self, x: Tensor) -> list[Tensor]:
            levels = [x := stage(x) for stage in self.stages]
            top = self.lateral[2](levels[2])
            outputs = [self.out[2](top)]
            for i in (1, 0):
                top = self.lateral[i](levels[i]) + F.interpolate(top, scale_factor=2)
                outputs.append(self.out[i](top))
            return outputs

    skips = skips_of(Pyramid(), IMAGE)
    assert [(s.kind, s.shortcut, s.long) for s in skips] == [("additive", "projection", True)] * 2


def test_hrnet_fusion():
    class Fusion(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.high = nn.Sequential(Residual(block()), Residual(block()))
            self.low = nn.Sequential(Residual(block()), Residual(block()))
            self.up, self.down = conv(kernel=1), conv(8, 8, 2)

        def forward(self, high: Tensor, low: Tensor) -> tuple[Tensor, Tensor]:
            high, low = self.high(high), self.low(low)
            return F.relu(high + F.interpolate(self.up(low), scale_factor=2)), F.relu(self.down(high) + low)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.split = conv(), conv(8, 8, 2)
            self.first, self.second = Fusion(), Fusion()

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = self.stem(x)
            return self.second(*self.first(x, self.split(x)))

    # All but the first low output, whose two operands are one convolution away from the stem each.
    assert kinds(Net(), IMAGE) == {"additive": 8 + 3}


def test_deep_layer_aggregation():
    """A node concatenates its two children; the first child is the input of the second."""

    class Tree(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right, self.root = Residual(block()), Residual(block()), conv(16, 8, kernel=1)

        def forward(self, x: Tensor) -> Tensor:
            left = self.left(x)
            return F.relu(self.root(torch.cat([self.right(left), left], 1)))

    assert kinds(nn.Sequential(conv(), Tree()), IMAGE) == {"additive": 2, "concatenative": 1}


def test_shufflenet_v2_and_csp_split_channels():
    class Split(nn.Module):
        def __init__(self, halves) -> None:
            super().__init__()
            self.body, self.halves = nn.Sequential(conv(4, kernel=1), conv(4), conv(4, kernel=1)), halves

        def forward(self, x: Tensor) -> Tensor:
            left, right = self.halves(x)
            return torch.cat([left, self.body(right)], 1)

    for halves in (lambda x: x.chunk(2, 1), lambda x: (x[:, :4], x[:, 4:])):
        (skip,) = skips_of(nn.Sequential(conv(), Split(halves), conv()), IMAGE)
        assert (skip.kind, skip.shortcut) == ("concatenative", "identity")
        assert skip.connections[0].carries[0] in ("chunk", "getitem")


# -- gated networks --------------------------------------------------------------------------------


class Highway(nn.Module):
    def __init__(self, layer, mix: str) -> None:
        super().__init__()
        self.transform, self.gate, self.mix = layer(), layer(), mix

    def forward(self, x: Tensor) -> Tensor:
        h, t = F.relu(self.transform(x)), torch.sigmoid(self.gate(x))
        if self.mix == "carry":
            return t * h + (1 - t) * x
        if self.mix == "lerp":
            return torch.lerp(x, h, t)
        if self.mix == "addcmul":
            return torch.addcmul((1 - t) * x, t, h)
        return x + t * (h - x)


def test_highway_networks_in_every_spelling():
    for mix in ("carry", "lerp", "addcmul", "difference"):
        linear = nn.Sequential(*(Highway(lambda: nn.Linear(16, 16), mix) for _ in range(3)))
        convolutional = nn.Sequential(*(Highway(conv, mix) for _ in range(3)))
        assert kinds(linear, TOKENS) == {"gated": 3}, mix
        assert kinds(convolutional, IMAGE) == {"gated": 3}, mix


def test_lstm_cells_unrolled_in_python():
    """The cell state is carried past the gates from step to step; the first state is a constant."""

    class Lstm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x, self.h = nn.Linear(16, 64), nn.Linear(16, 64)

        def forward(self, series: Tensor) -> Tensor:
            h = c = series.new_zeros(series.shape[0], 16)
            for t in range(series.shape[1]):
                i, f, o, g = (self.x(series[:, t]) + self.h(h)).chunk(4, -1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
            return h

    assert kinds(Lstm(), TOKENS) == {"gated": TOKENS.shape[1] - 1}


def test_the_cells_of_torch_unrolled_in_python():
    class Unrolled(nn.Module):
        def __init__(self, cell: nn.Module) -> None:
            super().__init__()
            self.cell = cell

        def forward(self, series: Tensor) -> Tensor:
            state = series.new_zeros(series.shape[0], 16)
            state = (state, state) if isinstance(self.cell, nn.LSTMCell) else state
            for t in range(series.shape[1]):
                state = self.cell(series[:, t], state)
            return state[0] if isinstance(state, tuple) else state

    steps = TOKENS.shape[1]
    assert kinds(Unrolled(nn.LSTMCell(16, 16)), TOKENS) == {"gated": steps - 1}
    assert kinds(Unrolled(nn.GRUCell(16, 16)), TOKENS) == {"gated": steps - 1}
    assert kinds(Unrolled(nn.RNNCell(16, 16)), TOKENS) == {}


def test_gru_cells_unrolled_in_python():
    class Gru(nn.Module):
        def __init__(self, blend: str) -> None:
            super().__init__()
            self.x, self.h, self.n, self.blend = (
                nn.Linear(16, 48),
                nn.Linear(16, 32),
                nn.Linear(16, 16),
                blend,
            )

        def forward(self, series: Tensor) -> Tensor:
            h = series.new_zeros(series.shape[0], 16)
            for t in range(series.shape[1]):
                xr, xz, xn = self.x(series[:, t]).chunk(3, -1)
                hr, hz = self.h(h).chunk(2, -1)
                r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
                n = (xn + r * self.n(h)).tanh()
                h = (1 - z) * n + z * h if self.blend == "sum" else n + z * (h - n)
            return h

    for blend in ("sum", "difference"):
        assert kinds(Gru(blend), TOKENS) == {"gated": TOKENS.shape[1] - 1}, blend


# -- transformers and sequences --------------------------------------------------------------------


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))


class Layer(nn.Module):
    """A transformer layer, norm before or after, in sequence or in parallel."""

    def __init__(self, order: str, cross: bool = False) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norms, self.mlp, self.order = nn.ModuleList(nn.LayerNorm(16) for _ in range(2)), mlp(), order

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        def attend(q: Tensor) -> Tensor:
            kv = q if memory is None else memory
            return self.attention(q, kv, kv, need_weights=False)[0]

        first, second = self.norms
        if self.order == "pre":
            x = x + attend(first(x))
            return x + self.mlp(second(x))
        if self.order == "post":
            x = first(x + attend(x))
            return second(x + self.mlp(x))
        y = first(x)
        return x + attend(y) + self.mlp(y)


def test_transformers_pre_norm_post_norm_and_parallel():
    for order, each in (("pre", 2), ("post", 2), ("parallel", 1)):
        net = nn.Sequential(nn.Linear(16, 16), Layer(order), Layer(order))
        assert kinds(net, TOKENS) == {"additive": 2 * each}, order


def test_torch_transformer_with_encoder_and_decoder():
    net = nn.Transformer(16, 2, 2, 2, 32, batch_first=True)
    assert kinds(net, TOKENS, TOKENS) == {"additive": 2 * 2 + 2 * 3}


def test_gated_cross_attention_of_flamingo():
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
            self.mlp, self.alpha, self.beta = (
                mlp(),
                nn.Parameter(torch.zeros(1)),
                nn.Parameter(torch.zeros(1)),
            )

        def forward(self, x: Tensor, media: Tensor) -> Tensor:
            x = x + self.alpha.tanh() * self.attention(x, media, media)[0]
            return x + self.beta.tanh() * self.mlp(x)

    skips = skips_of(Gated(), TOKENS, TOKENS.clone())
    assert [(s.kind, s.scale) for s in skips] == [("additive", "parameter")] * 2


def test_t5_relative_bias_is_shared_and_not_a_skip():
    class T5Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v, self.o = (nn.Linear(16, 16, bias=False) for _ in range(4))
            self.norm = nn.LayerNorm(16)

        def forward(self, x: Tensor, bias: Tensor) -> Tensor:
            y = self.norm(x)
            scores = self.q(y) @ self.k(y).mT + bias
            return x + self.o(scores.softmax(-1) @ self.v(y))

    class T5(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.layers = nn.Embedding(12, 1), nn.ModuleList(T5Layer() for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            places = torch.arange(x.shape[1], device=x.device)
            bias = self.table(places[:, None] - places[None] + 6)[..., 0]
            for layer in self.layers:
                x = layer(x, bias)
            return x

    assert kinds(T5(), TOKENS) == {"additive": 3}


def test_conditional_position_encoding():
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.depthwise = nn.Conv2d(8, 8, 3, 1, 1, groups=8)

        def forward(self, x: Tensor) -> Tensor:
            return (self.depthwise(x) + x).flatten(2).transpose(1, 2)

    (skip,) = skips_of(Positions(), IMAGE)
    assert (skip.kind, skip.span) == ("additive", 1)


def test_wavenet_has_residual_and_skip_outputs():
    class WaveNet(nn.Module):
        def __init__(self, layers: int) -> None:
            super().__init__()
            self.filters = nn.ModuleList(nn.Conv1d(8, 8, 3, padding=1) for _ in range(layers))
            self.gates = nn.ModuleList(nn.Conv1d(8, 8, 3, padding=1) for _ in range(layers))
            self.residuals = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(layers))
            self.skips = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(layers))

        def forward(self, x: Tensor) -> Tensor:
            total = 0
            for f, g, r, s in zip(self.filters, self.gates, self.residuals, self.skips, strict=True):
                z = f(x).tanh() * g(x).sigmoid()
                x = x + r(z)
                total = total + s(z)
            return F.relu(total)

    # The last residual sum is computed too, though nothing reads it.
    skips = skips_of(WaveNet(4), SERIES)
    assert sorted((s.kind, s.shortcut, len(s.operands)) for s in skips) == [
        ("additive", "identity", 2),
        ("additive", "identity", 2),
        ("additive", "identity", 2),
        ("additive", "identity", 2),
        ("additive", "projection", 4),
    ]


def test_mamba_block():
    class Mamba(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.split, self.out = nn.LayerNorm(16), nn.Linear(16, 64), nn.Linear(32, 16)
            self.conv = nn.Conv1d(32, 32, 3, padding=1, groups=32)
            self.select, self.decay = nn.Linear(32, 2 * 4 + 1), nn.Parameter(torch.zeros(4))

        def forward(self, x: Tensor) -> Tensor:
            u, z = self.split(self.norm(x)).chunk(2, -1)
            u = F.silu(self.conv(u.mT).mT)
            b, c, step = self.select(u).split([4, 4, 1], -1)
            state, ys = u.new_zeros(u.shape[0], 32, 4), []
            for t in range(u.shape[1]):
                kept = torch.exp(F.softplus(step[:, t])[:, None] * self.decay)
                state = kept * state + b[:, t, None] * u[:, t, :, None]
                ys.append((state * c[:, t, None]).sum(-1))
            return x + self.out(torch.stack(ys, 1) * F.silu(z))

    assert kinds(nn.Sequential(nn.Linear(16, 16), Mamba(), Mamba()), TOKENS) == {"additive": 2}


def test_a_token_taken_out_and_put_back_is_no_end_of_the_shortcut():
    """Multiscale vision transformers pool all but the class token of a projected shortcut."""

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention, self.project, self.norm = nn.Linear(16, 32), nn.Linear(16, 32), nn.LayerNorm(16)
            self.out = nn.Linear(32, 32)

        def pool(self, x: Tensor) -> Tensor:
            token, rest = x.tensor_split([1], dim=1)
            return torch.cat([token, F.avg_pool1d(rest.mT, 5).mT], 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.pool(self.project(x)) + self.out(self.pool(self.attention(self.norm(x))))

    (skip,) = skips_of(nn.Sequential(nn.Linear(16, 16), Pooled()), TOKENS)
    assert (skip.kind, skip.shortcut) == ("additive", "projection")


def test_a_sum_into_a_slice_is_one_additive_skip():
    """ReXNet adds its input to the first channels of the output and concatenates the others again."""

    class Partial(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(conv(8, 12), nn.ReLU(), conv(12, 12))

        def forward(self, x: Tensor) -> Tensor:
            y = self.body(x)
            return torch.cat([y[:, :8] + x, y[:, 8:]], 1)

    assert kinds(nn.Sequential(conv(), Partial(), conv(12, 4)), IMAGE) == {"additive": 1}


def test_a_projected_sequence_read_step_by_step_is_no_shortcut():
    """The projection of all steps at once, and an Elman cell on top of it."""

    class Elman(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x, self.h = nn.Linear(16, 16), nn.Linear(16, 16)

        def forward(self, series: Tensor) -> Tensor:
            projected, h = self.x(series), series.new_zeros(series.shape[0], 16)
            for t in range(series.shape[1]):
                h = torch.tanh(projected[:, t] + self.h(h))
            return h

    assert kinds(Elman(), TOKENS) == {}


def test_halves_by_an_index_on_a_reshaped_channel_axis():
    """ShuffleNetV2 as its authors wrote it: the shuffle gives x[0] and x[1]."""

    class Shuffle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(conv(4), nn.ReLU(), conv(4))

        def forward(self, x: Tensor) -> Tensor:
            b, c, h, w = x.shape
            halves = x.reshape(b * c // 2, 2, h * w).permute(1, 0, 2).reshape(2, -1, c // 2, h, w)
            return torch.cat([halves[0], self.body(halves[1])], 1)

    assert kinds(nn.Sequential(conv(), Shuffle(), conv()), IMAGE) == {"concatenative": 1}


def test_a_class_token_that_attends_to_its_sequence():
    """The shortcut is one token of the tensor that the branch reads as a whole."""

    class ClassAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return x[:, :1] + self.attention(x[:, :1], x, x, need_weights=False)[0]

    assert kinds(nn.Sequential(nn.Linear(16, 16), ClassAttention()), TOKENS) == {"additive": 1}


def test_cross_stage_partial_with_one_residual_block():
    """The half that is kept and the half that went through ``x + f(x)`` are no slices put together."""

    class Stage(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Residual(nn.Sequential(conv(4), nn.ReLU(), conv(4)))

        def forward(self, x: Tensor) -> Tensor:
            kept, worked = x.split(4, 1)
            return torch.cat([kept, self.block(worked)], 1)

    assert kinds(nn.Sequential(conv(), Stage(), conv()), IMAGE) == {"additive": 1, "concatenative": 1}


def test_a_norm_written_by_hand_on_the_shortcut_is_no_gate():
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = mlp()

        def forward(self, x: Tensor) -> Tensor:
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) + self.body(x)

    (skip,) = skips_of(nn.Sequential(nn.Linear(16, 16), Normed()), TOKENS)
    assert (skip.kind, skip.shortcut, skip.gate) == ("additive", "identity", None)


def test_a_mask_on_the_shortcut_is_no_gate():
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.body = nn.Linear(16, 16), mlp()

        def forward(self, x: Tensor, keep: Tensor) -> Tensor:
            x = self.stem(x)
            return F.layer_norm(x * keep, (16,)) + self.body(x)

    (skip,) = skips_of(Masked(), TOKENS, torch.ones(2, 6, 1))
    assert (skip.kind, skip.connections[0].carries) == ("additive", ("mul", "layer_norm"))
