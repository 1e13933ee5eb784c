"""Transformers architectures, built from small configurations with random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import transformers
from torch import nn
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from .model import Inputs, ZooModel
from .transformers_text import TEXT
from .transformers_vision import AUDIO, MULTIMODAL, VISION

QUICK = frozenset({"bert", "gpt2", "gptj", "llama", "mixtral", "t5"})

# What a default configuration is shrunk to, where it has such a setting.
SMALL: dict[str, Any] = {
    "vocab_size": 128,
    "hidden_size": 64,
    "d_model": 64,
    "n_embd": 64,
    "dim": 64,
    "embedding_size": 32,
    "num_hidden_layers": 2,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "n_layer": 2,
    "n_layers": 2,
    "num_attention_heads": 4,
    "num_heads": 4,
    "n_head": 4,
    "n_heads": 4,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "d_kv": 16,
    "intermediate_size": 96,
    "ffn_dim": 96,
    "d_ff": 96,
    "d_inner": 96,
    "hidden_dim": 96,
    "n_inner": 96,
    "encoder_ffn_dim": 96,
    "decoder_ffn_dim": 96,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 128,
    "n_positions": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "use_cache": False,
}


def configuration(model_type: str, overrides: Mapping[str, Any]) -> transformers.PretrainedConfig:
    """A small configuration: the defaults, shrunk, then the overrides of this model."""
    kind = CONFIG_MAPPING[model_type]
    default = kind()
    # Asking for the attribute would also find the aliases of other settings.
    present = default.to_dict()
    settings = {name: value for name, value in SMALL.items() if present.get(name) is not None}
    config: transformers.PretrainedConfig = kind(**(settings | dict(overrides)))
    return config


def _build(model_type: str, model_class: str, overrides: Mapping[str, Any]) -> nn.Module:
    config = configuration(model_type, overrides)
    kind = getattr(transformers, model_class)
    model: nn.Module = kind.from_config(config) if model_class.startswith("Auto") else kind(config)
    return model


def _ids(length: int = 16) -> torch.Tensor:
    return torch.randint(3, 100, (1, length))


def _inputs(kind: str, size: int) -> Inputs:
    makers: dict[str, Callable[[], dict[str, torch.Tensor]]] = {
        "ids": lambda: {"input_ids": _ids(size or 16)},
        "ids and ids": lambda: {"input_ids": _ids(size or 16), "decoder_input_ids": _ids(8)},
        "pixels": lambda: {"pixel_values": torch.rand(1, 3, size, size)},
        "frames": lambda: {"pixel_values": torch.rand(1, 4, 3, size, size)},
        "ids and pixels": lambda: {"input_ids": _ids(), "pixel_values": torch.rand(1, 3, size, size)},
        "pixels and ids": lambda: {
            "pixel_values": torch.rand(1, 3, size, size),
            "decoder_input_ids": _ids(8),
        },
        "waveform": lambda: {"input_values": torch.rand(1, size)},
        "waveform and ids": lambda: {"input_values": torch.rand(1, size), "decoder_input_ids": _ids(8)},
        "spectrogram": lambda: {"input_values": torch.rand(1, size, 128)},
        "features": lambda: {"input_features": torch.rand(1, 80, size)},
        "features and ids": lambda: {
            "input_features": torch.rand(1, 80, size),
            "decoder_input_ids": _ids(8),
        },
        "frames of features and ids": lambda: {
            "input_features": torch.rand(1, size, 80),
            "decoder_input_ids": _ids(8),
        },
        "series": lambda: {"past_values": torch.rand(1, size, 1)},
    }
    return (), makers[kind]()


def models() -> list[ZooModel]:
    """One entry an architecture that the installed Transformers knows, named by its model type."""
    return [
        ZooModel(
            name=name,
            family="transformers",
            build=partial(_build, spec.model_type or name, spec.model_class, spec.overrides),
            inputs=partial(_inputs, spec.inputs, spec.size),
            needs_values=spec.needs_values,
            quick=name in QUICK,
        )
        for table in (TEXT, VISION, AUDIO, MULTIMODAL)
        for name, spec in table.items()
        if (spec.model_type or name) in CONFIG_MAPPING
    ]
