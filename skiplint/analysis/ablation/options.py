"""How to run an ablation; without torch, for those who only parse it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AblationOptions:
    """What an ablation is run with."""

    seeds: int = 3
    """Initialisations over which the spread is taken; 0 for none."""
    seed: int = 0
    """Of all random numbers: inputs, the direction of the gradient, the first initialisation."""
    batch: int = 8
    """Inputs that are told apart, or not."""
