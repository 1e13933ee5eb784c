"""Initialisations that were meant and did not happen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .case import Case

WIDTH, LAYERS = 32, 8


class Layer(nn.Module):
    """A layer of GPT-2; both of its branches end in a projection called ``c_proj``."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn = nn.ModuleDict({"c_attn": nn.Linear(WIDTH, 3 * WIDTH), "c_proj": nn.Linear(WIDTH, WIDTH)})
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(WIDTH, 4 * WIDTH), "c_proj": nn.Linear(4 * WIDTH, WIDTH)})

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.attn["c_attn"](self.ln_1(x)).chunk(3, dim=-1)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attn["c_proj"](mixed)
        hidden = nn.functional.gelu(self.mlp["c_fc"](self.ln_2(x)))
        return x + self.mlp["c_proj"](hidden)


class LanguageModel(nn.Module):
    """A GPT-2 whose own initialisation scales the projections, if it recognises their names."""

    def __init__(self, *, full_names: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.wte = nn.Embedding(100, WIDTH)
        self.h = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.ln_f = nn.LayerNorm(WIDTH)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                # The slip: at the top of the model the names are full, `h.0.attn.c_proj.weight`.
                matches = name.endswith("c_proj.weight") if full_names else name == "c_proj.weight"
                std = 0.02 / (2 * LAYERS) ** 0.5 if matches else 0.02
                nn.init.normal_(parameter, std=std)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.wte(ids)
        for layer in self.h:
            x = layer(x)
        normed: Tensor = self.ln_f(x)
        return normed


CASES = (
    Case(
        "huggingface/transformers#47458",
        "SKL308",
        lambda: LanguageModel(full_names=False),
        lambda: LanguageModel(full_names=True),
        lambda: (torch.randint(0, 100, (2, 6)),),
        ("h.0.attn.c_proj",),
    ),
)
