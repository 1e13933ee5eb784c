"""The options of an ablation; this module does not import torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AblationOptions:
    """How an ablation is run."""

    seeds: int = 3
    """Number of random initialisations to compare; 0 for none."""
    seed: int = 0
    """Of all random numbers: inputs, direction of the gradient, first initialisation."""
    batch: int = 8
    """Number of inputs in the batch."""
