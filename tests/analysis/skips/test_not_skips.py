"""Sums, products and concatenations that a careless reader would take for skip connections."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.analysis.skips.skip_counts import kinds

IMAGE = torch.zeros(2, 8, 16, 16)
TOKENS = torch.zeros(2, 6, 16)
IDS = torch.zeros(2, 6, dtype=torch.long)


class Chain(nn.Module):
    """Calls a function of the input and two linear layers, so that tests read like formulas."""

    def __init__(self, function, width: int = 16, layers: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs, *self.layers)


def test_word_position_and_type_embeddings_are_summed_not_skipped():
    class Embeddings(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.word, self.position = nn.Embedding(10, 16), nn.Embedding(6, 16)
            self.kind = nn.Embedding(2, 16)
            self.out = nn.Linear(16, 16)

        def forward(self, ids: Tensor, kinds: Tensor) -> Tensor:
            places = torch.arange(ids.shape[1], device=ids.device)
            return self.out(self.word(ids) + self.position(places) + self.kind(kinds))

    assert kinds(Embeddings(), IDS, IDS) == {}


def test_positions_counted_from_the_ids_are_still_a_table():
    class Embeddings(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.word, self.position, self.out = nn.Embedding(10, 16), nn.Embedding(8, 16), nn.Linear(16, 16)

        def forward(self, ids: Tensor) -> Tensor:
            places = ids.ne(1).long().cumsum(1)
            return self.out(self.word(ids) + self.position(places))

    assert kinds(Embeddings(), IDS) == {}


def test_learned_position_parameter():
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.proj = nn.Parameter(torch.zeros(6, 16)), nn.Linear(16, 16)

        def forward(self, x: Tensor) -> Tensor:
            return self.proj(self.proj(x) + self.table)

    assert kinds(Positions(), TOKENS) == {}


class Attention(nn.Module):
    """Multi-head attention by hand, with a float mask and an optional rotary embedding."""

    def __init__(self, width: int = 16, rotary: bool = False, relative: bool = False) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.rotary = rotary
        self.relative = nn.Parameter(torch.zeros(6, width)) if relative else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = self.query(x), self.key(x), self.value(x)
        if self.rotary:
            q, k = rotate(q), rotate(k)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if self.relative is not None:
            scores = scores + torch.einsum("btd,sd->bts", q, self.relative)
        if mask is not None:
            scores = scores + mask
        return self.out(scores.softmax(-1) @ v)


def rotate(x: Tensor) -> Tensor:
    angle = torch.arange(x.shape[-1] // 2, dtype=torch.float32, device=x.device)
    cos, sin = torch.cat([angle.cos()] * 2), torch.cat([angle.sin()] * 2)
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat([-right, left], -1) * sin


class TwoAttentions(nn.Module):
    def __init__(self, **options: bool) -> None:
        super().__init__()
        self.first, self.second = Attention(**options), Attention(**options)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.second(self.first(x, mask), mask)


def test_an_attention_mask_reaches_every_layer_without_being_a_fork():
    assert kinds(TwoAttentions(), TOKENS, torch.zeros(2, 6, 6)) == {}


def test_a_mask_made_from_an_integer_input():
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = TwoAttentions()

        def forward(self, x: Tensor, keep: Tensor) -> Tensor:
            return self.net(x, (1.0 - keep[:, None, :].to(x.dtype)) * torch.finfo(x.dtype).min)

    assert kinds(Masked(), TOKENS, torch.ones(2, 6, dtype=torch.long)) == {}


def test_rotary_embeddings():
    assert kinds(TwoAttentions(rotary=True), TOKENS) == {}


def test_relative_position_scores_computed_from_the_query():
    assert kinds(TwoAttentions(relative=True), TOKENS) == {}


def test_hand_written_layer_norm():
    def normalised(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        x = a(x)
        x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + 1e-5).sqrt()
        return b(x)

    assert kinds(Chain(normalised), TOKENS) == {}


def test_hand_written_gelu():
    def gelu(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        x = a(x)
        return b(0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))

    assert kinds(Chain(gelu), TOKENS) == {}


def test_hand_written_softmax():
    def softmax(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        e = (a(x) - a(x).amax(-1, keepdim=True)).exp()
        return b(e / (e.sum(-1, keepdim=True) + 1e-6))

    assert kinds(Chain(softmax), TOKENS) == {}


def test_a_reconstruction_loss_inside_forward():
    def loss(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        return ((b(a(x)) - x) ** 2).mean()

    assert kinds(Chain(loss), TOKENS) == {}


def test_a_loss_beside_the_output():
    def both(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> tuple[Tensor, Tensor]:
        y = b(a(x))
        return y, F.l1_loss(y, x) + (y - x).abs().sum()

    assert kinds(Chain(both), TOKENS) == {}


def test_inception_branches_are_parallel():
    class Inception(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Conv2d(8, 4, 1)
            self.three = nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
            self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(8, 4, 1))

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.one(x), self.three(x), self.pool(x)], 1)

    assert kinds(nn.Sequential(Inception(), nn.Conv2d(12, 8, 1)), IMAGE) == {}


def test_inception_reduction_with_a_pooled_branch():
    class Reduction(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 3, 2, 1)
            self.twice = nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, 1))

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.conv(x), self.twice(x), F.max_pool2d(x, 3, 2, 1)], 1)

    assert kinds(nn.Sequential(nn.Conv2d(8, 8, 1), Reduction(), nn.Conv2d(24, 8, 1)), IMAGE) == {}


def test_atrous_spatial_pyramid_pooling():
    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rates = nn.ModuleList(nn.Conv2d(8, 4, 3, padding=r, dilation=r) for r in (1, 2, 4))
            self.image, self.project = nn.Conv2d(8, 4, 1), nn.Conv2d(16, 8, 1)

        def forward(self, x: Tensor) -> Tensor:
            pooled = F.interpolate(self.image(x.mean((2, 3), keepdim=True)), x.shape[2:])
            return self.project(torch.cat([*(conv(x) for conv in self.rates), pooled], 1))

    assert kinds(Pyramid(), IMAGE) == {}


def test_parallel_attention_and_mlp_without_an_identity():
    class Parallel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = Attention()
            self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(x) + self.mlp(x)

    assert kinds(Parallel(), TOKENS) == {}


def test_squeeze_and_excitation():
    class Excitation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 3, padding=1)
            self.gate = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 2, 1), nn.ReLU(), nn.Conv2d(2, 8, 1), nn.Sigmoid()
            )

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x * self.gate(x)

    assert kinds(nn.Sequential(Excitation(), nn.Conv2d(8, 8, 1)), IMAGE) == {}


def test_gated_linear_units():
    def glu(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        return c(F.silu(a(x)) * b(x))

    assert kinds(Chain(glu), TOKENS) == {}


def test_averaging_an_ensemble():
    def ensemble(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        return (a(x) + b(x) + c(x)) / 3

    assert kinds(Chain(ensemble), TOKENS) == {}


def test_selective_kernels_share_a_softmax_over_branches():
    class Selective(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.small, self.large = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 5, padding=2)
            self.squeeze, self.excite = nn.Linear(8, 4), nn.Linear(4, 16)

        def forward(self, x: Tensor) -> Tensor:
            a, b = self.small(x), self.large(x)
            weights = self.excite(F.relu(self.squeeze((a + b).mean((2, 3))))).view(-1, 2, 8, 1, 1).softmax(1)
            return a * weights[:, 0] + b * weights[:, 1]

    assert kinds(Selective(), IMAGE) == {}


def test_a_recurrent_cell_adds_input_and_state():
    """Elman's cell: both operands are projections, of different steps of the sequence."""

    def elman(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        h = x.new_zeros(x.shape[0], 16)
        for t in range(x.shape[1]):
            h = torch.tanh(a(x[:, t]) + b(h))
        return c(h)

    assert kinds(Chain(elman), TOKENS) == {}


def test_stacking_the_outputs_of_all_time_steps():
    class Unrolled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.out = nn.RNNCell(16, 16), nn.Linear(16, 16)

        def forward(self, x: Tensor) -> Tensor:
            h, states = x.new_zeros(x.shape[0], 16), []
            for t in range(x.shape[1]):
                h = self.cell(x[:, t], h)
                states.append(h)
            return self.out(torch.stack(states, 1))

    assert kinds(Unrolled(), TOKENS) == {}


def test_detection_heads_concatenate_predictions_over_positions():
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.Conv2d(8, 8, 3, 2, 1)
            self.deeper = nn.Conv2d(8, 8, 3, 2, 1)
            self.heads = nn.ModuleList(nn.Conv2d(8, 12, 3, padding=1) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            levels = [x := self.down(x), x := self.deeper(x), self.deeper(x)]
            found = [head(level) for head, level in zip(self.heads, levels, strict=True)]
            return torch.cat([each.permute(0, 2, 3, 1).reshape(each.shape[0], -1, 4) for each in found], 1)

    assert kinds(Heads(), IMAGE) == {}


def test_a_class_token_before_the_patches():
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.proj = nn.Parameter(torch.zeros(1, 1, 16)), nn.Linear(16, 16)

        def forward(self, x: Tensor) -> Tensor:
            x = self.proj(x)
            return self.proj(torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1))

    assert kinds(Tokens(), TOKENS) == {}


def test_a_time_embedding_injected_into_every_block():
    class Conditioned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.time = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 16))
            self.convs = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
            self.shifts = nn.ModuleList(nn.Linear(16, 8) for _ in range(3))

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            t = self.time(t)
            for conv, shift in zip(self.convs, self.shifts, strict=True):
                x = F.silu(conv(x) + shift(t)[:, :, None, None])
            return x

    assert kinds(Conditioned(), IMAGE, torch.zeros(2, 4)) == {}


def test_csp_with_two_projections_is_two_branches():
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right, self.out = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1), nn.Conv2d(8, 8, 1)
            self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))

        def forward(self, x: Tensor) -> Tensor:
            return self.out(torch.cat([self.body(self.left(x)), self.right(x)], 1))

    assert kinds(Cross(), IMAGE) == {}


def test_a_straight_through_quantiser():
    class Quantised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode, self.decode = nn.Linear(16, 16), nn.Linear(16, 16)
            self.codes = nn.Parameter(torch.zeros(5, 16))

        def forward(self, x: Tensor) -> Tensor:
            z = self.encode(x)
            nearest = torch.cdist(z, self.codes.expand(x.shape[0], -1, -1)).argmin(-1)
            return self.decode(z + (self.codes[nearest] - z).detach())

    assert kinds(Quantised(), TOKENS) == {}


def test_the_reparametrisation_of_a_variational_autoencoder():
    def sample(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        mean, log_variance = a(x), b(x)
        return c(mean + torch.randn_like(mean) * (0.5 * log_variance).exp())

    assert kinds(Chain(sample), TOKENS) == {}


def test_keys_put_together_from_a_rotated_and_a_projected_part():
    """Latent attention writes both parts into a buffer that is only ever multiplied with queries."""

    class Latent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.down, self.up = nn.Linear(16, 16), nn.Linear(16, 12), nn.Linear(8, 12)

        def forward(self, x: Tensor) -> Tensor:
            latent, rotated = self.down(x).split([8, 4], -1)
            keys = x.new_empty(*x.shape[:-1], 16)
            keys[..., :12].copy_(self.up(latent))
            keys[..., 12:].copy_(rotated)
            return (self.query(x) @ keys.mT).softmax(-1) @ self.query(x)

    assert kinds(Latent(), TOKENS) == {}
