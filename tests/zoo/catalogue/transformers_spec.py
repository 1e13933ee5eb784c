"""How one Transformers architecture is built and called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Spec:
    """A class of Transformers, the settings that differ from the small defaults, and what goes in."""

    model_class: str = "AutoModel"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    inputs: str = "ids"
    size: int = 0
    """Length of the sequence or side of the image."""
    model_type: str = ""
    """Where the entry's name is not the model type."""
    needs_values: bool = True
    """Most of these models look into their masks and positions, and the small ones run as fast for real."""


def encoder(**overrides: Any) -> Spec:
    """A text encoder: token ids in, hidden states out."""
    return Spec("AutoModel", overrides)


def decoder(**overrides: Any) -> Spec:
    """A causal language model: token ids in, logits out."""
    return Spec("AutoModelForCausalLM", overrides)


def translator(**overrides: Any) -> Spec:
    """An encoder and a decoder of text: two sequences of token ids in, logits out."""
    return Spec("AutoModelForSeq2SeqLM", overrides, "ids and ids")


def image(size: int, **overrides: Any) -> Spec:
    """A vision backbone: one image in."""
    return Spec("AutoModel", overrides, "pixels", size)
