"""What the skip tests compare: joins by kind, as a reader would count them in the source."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch import nn

from skiplint.analysis.skips import Skip, find_skips
from skiplint.tracing import trace


def skips_of(model: nn.Module, *inputs: Any, train: bool = False) -> tuple[Skip, ...]:
    """The skips of one forward pass."""
    model.train(train)
    return find_skips(trace(model, *inputs))


def kinds(model: nn.Module, *inputs: Any, train: bool = False) -> dict[str, int]:
    """How many joins of each kind the model has; kinds that do not occur are left out."""
    return dict(Counter(skip.kind for skip in skips_of(model, *inputs, train=train)))
