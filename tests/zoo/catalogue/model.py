"""What the catalogue knows of one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

Inputs = tuple[tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ZooModel:
    """One real architecture, built only when it is asked for.

    ``build`` and ``inputs`` make their tensors on the default device, so that a caller chooses between
    real ones and ``torch.device("meta")``.
    """

    name: str
    family: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], Inputs]
    """Positional and keyword arguments of one forward call."""
    needs_values: bool = False
    """The forward looks into its tensors (``nonzero``, ``.item()``), so it only runs on real ones."""
    quick: bool = False
    """Part of the subset that runs by default."""

    @property
    def id(self) -> str:
        """``family:name``, the key of this model in every table."""
        return f"{self.family}:{self.name}"
